/**
 * libtorch through DJL: a program written as TorchScript source, packed into the archive that the engine loads, and the
 * memory of a device. Uses {@code djl}; knows nothing of transformers. Begin with
 * {@link dev.lockstep.torch.TorchScriptProgram}.
 */
@NullMarked
package dev.lockstep.torch;

import org.jspecify.annotations.NullMarked;
