"""How many numbers a vector holds, by which kernels are chosen."""

LANES = 16  # of float32 with AVX-512; what counts as few channels, whatever the machine has
