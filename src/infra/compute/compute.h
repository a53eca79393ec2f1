// infra/compute: the arithmetic. Weight matrices packed for this CPU, matrix products, attention and the small vector kernels, and
// the threads that run them. This is the front door; its parts are
//   machine.h    what this computer is, and which instruction sets the kernels use
//   threads.h    the team of threads
//   matrix.h     formats of weights, packed matrices, matmul
//   vector.h     norms, rotary positions, activations, softmax, dots, the int8 scan
//   attention.h  the KV cache's layout and attention over it
//
// Every kernel has a scalar version that reads like its formula (oracle), and SIMD versions chosen once, at run time. The
// reduction order of each output element depends only on the inner dimension (and the absolute position in the KV cache), never on
// batch, tile or thread count: results are bit-identical across those at one instruction-set level.
#pragma once

#include "infra/compute/attention.h"
#include "infra/compute/machine.h"
#include "infra/compute/matrix.h"
#include "infra/compute/threads.h"
#include "infra/compute/vector.h"
