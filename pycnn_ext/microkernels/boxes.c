/* Kernels of boxes: compiled as kernels.c is, but without fused multiply-adds, for what is decided by comparing an
 * overlap with a threshold must not depend on the processor. */
#include "boxes.h"

void VARIANT(fill_boxes)(Kernels *k) {
    k->box_tile = TILE_BOXES;
    k->box_columns = box_columns;
    k->box_iou = box_iou;
    k->nms_bytes = nms_bytes;
    k->nms_begin = nms_begin;
    k->nms_best = nms_best;
    k->nms_suppress = nms_suppress;
    k->nms_keep = nms_keep;
    k->nms_left = nms_left;
    k->order_bytes = order_bytes;
    k->order_falling = order_falling;
}
