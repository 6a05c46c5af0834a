"""What the tests of several areas share: real programs to run against. Not part of the package that is installed."""
