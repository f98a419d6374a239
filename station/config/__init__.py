"""The files that people edit: YAML in, frozen values out.

Nobody else reads YAML, and nobody else needs pydantic: `load_files` gives values that do not change.
"""

from station.config.check_station import Catalogue, ModelFacts
from station.config.expressions import Expression, ExpressionError
from station.config.fields import Loss, Port
from station.config.files import RunFiles, check_files, load_files, product_path
from station.config.limits import Bound, ResolvedLimit, limits_sha256, resolved_limits
from station.config.loader import (
    Loaded,
    load_any,
    load_plan,
    load_product,
    load_simulation,
    load_station,
)
from station.config.plan_file import Corner, Plan, PlanStep
from station.config.problems import FilesError, Problem, Severity, raise_errors
from station.config.product_file import Product
from station.config.schema import schemas
from station.config.sequence_source import sequence_path
from station.config.simulation_file import Simulation
from station.config.station_file import Instrument, Slot, Station

__all__ = [
    "Bound",
    "Catalogue",
    "Corner",
    "Expression",
    "ExpressionError",
    "FilesError",
    "Instrument",
    "Loaded",
    "Loss",
    "ModelFacts",
    "Plan",
    "PlanStep",
    "Port",
    "Problem",
    "Product",
    "ResolvedLimit",
    "RunFiles",
    "Severity",
    "Simulation",
    "Slot",
    "Station",
    "check_files",
    "limits_sha256",
    "load_any",
    "load_files",
    "load_plan",
    "load_product",
    "load_simulation",
    "load_station",
    "product_path",
    "raise_errors",
    "resolved_limits",
    "schemas",
    "sequence_path",
]
