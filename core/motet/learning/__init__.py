"""The learner and what keeps its suggestions ready: ask, tell, release, behind one worker thread."""

from motet.learning.ahead import Suggester
from motet.learning.build import build_learner, build_stop_rules
from motet.learning.checked import Labels
from motet.learning.fresh import FreshSuggester
from motet.learning.learner import Learner

__all__ = ["FreshSuggester", "Labels", "Learner", "Suggester", "build_learner", "build_stop_rules"]
