// Matrix product without tensor cores: a block makes 64 x 64 results, a thread 4 x 4 of them, 16 apart.
#include "activation.cuh"

struct MatmulShape {
    int rows, columns, depth;
    int a_row, a_depth, b_depth, b_column; // distance in memory of neighbours along each axis of A and B
};

#define TILE 64
#define DEPTH 16
#define SPAN 16 // threads of a block along each axis of its tile

extern "C" __global__ void __launch_bounds__(256)
matmul(const real *a, const real *b, const real *bias OR_NULL, real *out, MatmulShape s, int activation) {
    __shared__ wide a_tile[DEPTH][TILE + 1], b_tile[DEPTH][TILE + 1]; // one more: writes along depth meet no bank twice
    const int ty = threadIdx.x / SPAN, tx = threadIdx.x % SPAN;
    const int row = blockIdx.x * TILE, column = blockIdx.y * TILE;
    wide sum[4][4] = {};
    for (int depth = 0; depth < s.depth; depth += DEPTH) {
        for (int i = threadIdx.x; i < DEPTH * TILE; i += SPAN * SPAN) { // neighbours read what lies side by side
            const int ak = s.a_depth == 1 ? i % DEPTH : i / TILE, ai = s.a_depth == 1 ? i / DEPTH : i % TILE;
            const int bk = s.b_column == 1 ? i / TILE : i % DEPTH, bj = s.b_column == 1 ? i % TILE : i / DEPTH;
            const bool a_there = row + ai < s.rows && depth + ak < s.depth;
            const bool b_there = column + bj < s.columns && depth + bk < s.depth;
            a_tile[ak][ai] = a_there ? (wide)a[(int64)(row + ai) * s.a_row + (int64)(depth + ak) * s.a_depth] : 0;
            b_tile[bk][bj] = b_there ? (wide)b[(int64)(depth + bk) * s.b_depth + (int64)(column + bj) * s.b_column] : 0;
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < DEPTH; k++) {
            wide x[4], y[4];
#pragma unroll
            for (int i = 0; i < 4; i++) x[i] = a_tile[k][ty + SPAN * i], y[i] = b_tile[k][tx + SPAN * i];
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) sum[i][j] += x[i] * y[j];
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int r = row + ty + SPAN * i, c = column + tx + SPAN * j;
            if (r < s.rows && c < s.columns)
                out[(int64)r * s.columns + c] = fused_activation(sum[i][j] + (bias ? (wide)bias[c] : 0), activation);
        }
}

// What follows a product of cuBLAS: out (rows, columns) = act(out + bias + residual)
extern "C" __global__ void __launch_bounds__(256)
matmul_finish(real *out, const real *bias OR_NULL, const real *residual OR_NULL, int activation, int columns,
              int64 count) {
    FOR_EACH(int64, i, count) {
        const wide sum = out[i] + (bias ? (wide)bias[i - quotient(i, columns) * columns] : 0);
        out[i] = fused_activation(sum + (residual ? (wide)residual[i] : 0), activation);
    }
}
