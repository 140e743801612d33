"""A plugin of pytest, for .ci/sanitize: each array of the GPU has memory of its own, from the driver."""

import cupy

cupy.cuda.set_allocator(None)
