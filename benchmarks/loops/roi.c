/* RoI max pooling and its gradient as a plain loop, a number at a time: what benchmarks/roi.py measures against. The order
 * of loops is the fastest of those that were tried. Maps are NHWC; rois are (image, x1, y1, x2, y2). */
#include <math.h>
#include <string.h>

static int clip(int v, int size) { return v < 0 ? 0 : v > size ? size : v; }

void roi_pool_forward(const float *x, int height, int width, int channels, const float *rois, int regions, int bins_y,
                      int bins_x, float scale, float *y, int *index) {
    for (int r = 0; r < regions; r++) {
        const float *roi = rois + 5 * r, *image = x + (long)roi[0] * height * width * channels;
        const int x1 = (int)roundf(roi[1] * scale), y1 = (int)roundf(roi[2] * scale);
        const int x2 = (int)roundf(roi[3] * scale), y2 = (int)roundf(roi[4] * scale);
        const int roi_width = x2 - x1 + 1 > 1 ? x2 - x1 + 1 : 1, roi_height = y2 - y1 + 1 > 1 ? y2 - y1 + 1 : 1;
        for (int p = 0; p < bins_y; p++)
            for (int q = 0; q < bins_x; q++) {
                const int top = clip(y1 + p * roi_height / bins_y, height);
                const int bottom = clip(y1 + ((p + 1) * roi_height + bins_y - 1) / bins_y, height);
                const int left = clip(x1 + q * roi_width / bins_x, width);
                const int right = clip(x1 + ((q + 1) * roi_width + bins_x - 1) / bins_x, width);
                for (int c = 0; c < channels; c++) {
                    float best = top >= bottom || left >= right ? 0 : -INFINITY;
                    int winner = -1;
                    for (int h = top; h < bottom; h++)
                        for (int w = left; w < right; w++) {
                            const float value = image[((long)h * width + w) * channels + c];
                            if (value > best) best = value, winner = h * width + w;
                        }
                    *y++ = best, *index++ = winner;
                }
            }
    }
}

void roi_pool_input_grad(const float *gy, int images, int height, int width, int channels, const float *rois, int regions,
                         int bins, const int *index, float *gx) {
    memset(gx, 0, sizeof(float) * images * height * width * channels);
    for (int r = 0; r < regions; r++) {
        float *image = gx + (long)rois[5 * r] * height * width * channels;
        for (int bin = 0; bin < bins; bin++)
            for (int c = 0; c < channels; c++, gy++, index++)
                if (*index >= 0) image[(long)*index * channels + c] += *gy;
    }
}
