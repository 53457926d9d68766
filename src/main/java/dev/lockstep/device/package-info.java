/**
 * Collectives on DJL's arrays, where they are: between GPUs by NCCL, on CPU by the world's own. A package of its own, since
 * {@code world} is for programs without DJL too. Begin with {@link dev.lockstep.device.DeviceCollectives}.
 */
@NullMarked
package dev.lockstep.device;

import org.jspecify.annotations.NullMarked;
