"""Estimators of scikit-learn and of libraries like it, by import name."""

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any


def estimator(model: str, options: Mapping[str, Any]) -> Any:
    """A new one, not fitted. Raises ValueError, saying what is wrong and what is allowed."""
    kind = found(model)
    taken = inspect.signature(kind).parameters
    if not any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        for name in options:
            if name not in taken:
                near = get_close_matches(name, taken, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(taken) or 'none'}"
                raise ValueError(f"{model} takes no option {name!r}; {hint}")
    lacking = [
        name
        for name, each in taken.items()
        if each.default is each.empty
        and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
        and name not in options
    ]
    if lacking:
        raise ValueError(f"{model} cannot be made without {', '.join(lacking)}")
    try:
        return kind(**options)
    except Exception as error:
        raise ValueError(f"{model} cannot be made: {type(error).__name__}: {error}") from error


def predicts_classes(made: Any, model: str) -> bool:
    """Whether an estimator is a classifier, not a regressor. Raises ValueError when it is neither."""
    base: Any = import_module("sklearn.base")
    try:
        classifies, regresses = bool(base.is_classifier(made)), bool(base.is_regressor(made))
    except (AttributeError, TypeError, ValueError):  # what is no estimator has no tags
        classifies, regresses = False, False
    if not classifies and not regresses:
        raise ValueError(f"{model} is neither a regressor nor a classifier")
    return classifies


def found(model: str) -> type:
    """The class of that import name. Raises ValueError, saying what is wrong and what is allowed."""
    module_name, _, name = model.rpartition(".")
    example = "such as sklearn.linear_model.Ridge"
    if not module_name:
        raise ValueError(f"{model!r} is no import name with its module, {example}")
    try:
        module = import_module(module_name)
    except Exception as error:
        raise ValueError(
            f"{module_name} cannot be imported: {type(error).__name__}: {error}; needed is {example}"
        ) from error
    kind = getattr(module, name, None)
    if kind is None:
        near = get_close_matches(name, [each for each in dir(module) if each[0].isupper()], n=1)
        hint = f"did you mean {near[0]}?" if near else f"needed is an import name {example}"
        raise ValueError(f"{module_name} has no {name}; {hint}")
    if not isinstance(kind, type) or not hasattr(kind, "fit") or not hasattr(kind, "predict"):
        raise ValueError(f"{model} is no regressor or classifier: it has no fit and predict")
    return kind
