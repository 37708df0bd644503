"""An os-ken application that makes Open vSwitch bridges VXLAN tunnel endpoints (VTEPs).

``osken-manager vtep_ofapp`` looks here for the application class, ``VtepApp``. It is imported when
it is first asked for (PEP 562): a command that asks a running application starts without os-ken
and eventlet.
"""

import sys
import warnings
from typing import TYPE_CHECKING, Any

from .version import VERSION as __version__

if sys.version_info < (3, 10):  # noqa: UP036  (pip refuses it; a checkout is run without pip)
    _major, _minor = sys.version_info[:2]
    sys.exit(f"vtep_ofapp needs Python 3.10 or later; this is {_major}.{_minor}")

warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")  # os-ken runs on it

if TYPE_CHECKING:
    from .app import VtepApp

__all__ = ["VtepApp", "__version__"]


def __getattr__(name: str) -> Any:
    if name != "VtepApp":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .process import lowest

    lowest.check_libraries("vtep_ofapp")
    from . import app

    return getattr(app, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
