"""The preflight: whether an account has what an environment's plans need, before anything is made.

`findings` is pure: facts in, results out. `reader.read` asks AWS for the facts, with the caller's
own credentials, and changes nothing.
"""

from cdk_vllm.preflight.facts import Facts, ModelFact, QuotaFact, Result, Status, Unknown
from cdk_vllm.preflight.findings import findings
from cdk_vllm.preflight.needs import PlannedService, QuotaNeed, quota_needs

__all__ = [
    "Facts",
    "ModelFact",
    "PlannedService",
    "QuotaFact",
    "QuotaNeed",
    "Result",
    "Status",
    "Unknown",
    "findings",
    "quota_needs",
]
