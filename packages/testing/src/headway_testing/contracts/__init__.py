"""What every implementation of a port must hold.

Subclass the suite of a port, give it the fixtures that its docstring names, and say which capabilities the
adapter lacks, if any. Each test carries its claim as its docstring; none carries a mark of this project.
"""

import pkgutil

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{each.name}" for each in pkgutil.iter_modules(__path__)))
