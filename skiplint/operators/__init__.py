"""All that skiplint knows of torch's functions, without torch.

Ask ``operation.op`` for what is known of a call: ``operation.op.is_a(Family.ADDITION)``. The modules
:mod:`axes`, :mod:`sizes` and :mod:`reads` say how a call moves axes, changes sizes and reads its operands.
"""

from skiplint.operators.catalogue import OPS, members, op_of
from skiplint.operators.families import Family
from skiplint.operators.op import Built, Call, Op, Role, Setting

__all__ = ["OPS", "Built", "Call", "Family", "Op", "Role", "Setting", "members", "op_of"]
