"""Start designs: the first points, before there is anything to model."""
