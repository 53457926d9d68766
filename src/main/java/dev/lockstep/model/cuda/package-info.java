/** What the GPU is asked for past libtorch: recorded graphs, kernels of our own, matrix products. Knows no model. */
package dev.lockstep.model.cuda;
