/**
 * What a GPU is asked for past libtorch: the driver, recorded graphs, kernels of our own, compiled when they are first
 * needed, and cuBLASLt's products. Uses {@code djl}; knows nothing of transformers. Begin with
 * {@link dev.lockstep.cuda.KernelCompiler} and {@link dev.lockstep.cuda.CudaGraph}.
 */
@NullMarked
package dev.lockstep.cuda;

import org.jspecify.annotations.NullMarked;
