/**
 * What a rank and its launcher tell each other: records, their bytes, and the sealed link that carries them. Uses
 * nothing but Java. Begin with {@link dev.lockstep.wire.Message}.
 */
@NullMarked
package dev.lockstep.wire;

import org.jspecify.annotations.NullMarked;
