"""The families of torch's functions: what is mathematically the same for all members of each."""

from __future__ import annotations

from enum import Enum


class Family(Enum):
    """A property that several functions share. The value says what it is; a function can have several."""

    # -- joins ------------------------------------------------------------------------------------
    ADDITION = "sums its operands element by element, the second one with a sign or a factor"
    DIFFERENCE = "an addition that takes the second operand away from the first"
    CHOICE = "takes each element from one of two operands, by a mask"
    BLEND = "weighs two operands against each other: x + w (y - x)"
    ADDED_PRODUCT = "adds an element-wise product or quotient of two operands to the first"
    ADDED_CONTRACTION = "adds a matrix product to the first operand"
    CONCATENATION = "sets its operands side by side along one axis"
    STACK = "a concatenation along an axis that the operands do not have"
    ITEM_WRITE = "writes a value into a part of its first operand: x[i] = y"
    UPDATE = "a tensor as it is after writes through other views of its memory (made by the recorder)"

    # -- products ---------------------------------------------------------------------------------
    PRODUCT = "multiplies two operands element by element"
    DIVISION = "divides the first operand by the second element by element"
    NEGATION = "changes the sign"
    POWER = "raises the first operand to an exponent"
    ROOT = "takes a square root, or a statistic that ends in one"
    CONTRACTION = "multiplies two operands and sums over axes that they share"
    MATRIX_PRODUCT = "contracts the last axis of one factor with the last but one of the other"
    SUBSCRIPTED = "a contraction whose axes are written as an equation of letters"

    # -- layers -----------------------------------------------------------------------------------
    CONVOLUTION = "slides a filter over the positions; operand 1 is the filter"
    TRANSPOSED = "a convolution that spreads each position over several"
    LINEAR = "multiplies the last axis with a weight of shape (outputs, inputs)"
    BILINEAR = "a linear map of the product of two operands"
    EMBEDDING = "looks up rows of a table of weights by integers"
    RECURRENT = "runs a recurrent layer, or one step of it, with weights of its own"
    CELL = "one step of a recurrent layer"
    ATTENTION = "softmax of products of queries and keys, times values"
    MULTI_HEAD = "attention with its projections (recorded whole only where its check of shapes failed)"
    NORM = "subtracts or divides by statistics of its operand"
    BATCH_NORM = "a norm by channel; in evaluation it is an affine map of each channel"
    POOLING = "reduces the positions in windows to one each"
    WINDOWED = "a pooling with windows of a fixed size"
    ADAPTIVE = "a pooling to a fixed number of positions"
    RESAMPLING = "interpolates between positions"
    UNPOOLING = "puts pooled values back where they came from"
    PIXEL_SHUFFLE = "turns channels into positions"
    PIXEL_UNSHUFFLE = "turns positions into channels"
    CHANNEL_SHUFFLE = "interleaves groups of channels"
    PADDING = "adds positions at the borders"
    UNFOLDING = "copies sliding windows into an axis of their own"
    FOLDING = "sums sliding windows back into positions"

    # -- element-wise functions -------------------------------------------------------------------
    POINTWISE = "maps each element by itself, with no other tensor"
    ACTIVATION = "an element-wise nonlinearity that is used between layers"
    PARAMETRIC = "an activation with a learned number for each channel"
    FLOOR = "lets nothing below a floor come out (setting `floor`)"
    SIGMOID = "maps each element to the range from 0 (closed) to 1 (open)"
    SOFTMAX = "non-negative weights that sum up to 1 along an axis"
    GATED_HALVES = "multiplies one half of an axis with the sigmoid of the other"
    DROPOUT = "zeroes random elements in training, and is the identity otherwise"
    FIRST_KEPT = "gives its first operand, which the others only scale, shift or cut off"
    BROADCASTING = "works element by element, on operands that are broadcast to one shape"
    ALIGNMENT = "broadcasts its operands to one shape and gives them back"

    # -- views, copies, parts ---------------------------------------------------------------------
    RESHAPE = "the same elements in the same order in another shape"
    SIZED_RESHAPE = "a reshape that is given the sizes of all axes"
    UNFLATTEN = "cuts one axis into several of given sizes"
    AXIS_MOVE = "puts the axes into another order"
    UNIT_AXES = "adds or takes away axes of size one"
    EXPANSION = "repeats axes of size one"
    COPY = "the same numbers in memory of their own, or as another object"
    DETACHED = "the same numbers without their history"
    CAST = "the same numbers in another type or on another device"
    SELECTION = "takes a part of its operand: a slice, a chunk, one position"
    INDEXED = "a selection or look-up by an index expression: x[i, a:b]"
    ONE_POSITION = "a selection of one position on an axis, which goes away"
    SPLIT = "cuts an axis into several parts and gives all of them"
    PICK = "takes elements of its first operand by a tensor of indices"
    DEALING = "deals an axis out in parts, whose number or sizes have to fit"
    CUT = "takes a contiguous or indexed part of one axis and keeps the axis"

    # -- reductions -------------------------------------------------------------------------------
    REDUCTION = "takes one value from all of an axis"
    SUM = "a reduction that adds up, or averages"
    AVERAGE = "a sum divided by the number of elements"
    STATISTIC = "a reduction that is a moment of the values: mean, variance, norm"
    LOSS = "compares a prediction with a target, or measures a distribution, and averages"

    # -- making tensors ---------------------------------------------------------------------------
    FRESH = "a new tensor that takes at most the shape, type and device of its first operand"
    ZEROS = "a new tensor of zeros"
    EMPTY = "a new tensor without content"
    NUMBER = "a tensor of given numbers"
    RANDOM = "draws random numbers"
    TENSOR_STATE = "in place, changes the shape, memory or flags of its operand and computes nothing"
    OVERWRITE = "in place, leaves nothing of what was in its first operand"

    # -- other ------------------------------------------------------------------------------------
    FFT = "a Fourier transform"
    SHIFT = "moves values along an axis"
    SAVES_RESULT = "its gradient is computed from its result"
    SAVES_NO_OPERAND = "its gradient is computed without the operands"
    NO_WORKSPACE = "one kernel that allocates nothing but its result in inference"
