"""`postroom demo`: a small company, stand-ins for Google and Microsoft, and customers who write.

Everything lives in a temporary folder and is gone when the demo ends.
"""

from postroom.demo.run import run_demo

__all__ = ["run_demo"]
