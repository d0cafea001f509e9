"""`windlass doctor`: is this machine fit?"""

from windlass import doctor
from windlass.settings import Settings


async def run(settings: Settings) -> int:
    """Check this machine; prints the fixing command for each failure."""
    return await doctor.examine(settings)
