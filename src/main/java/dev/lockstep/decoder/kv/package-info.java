/** The books of the key-value cache: which part of it is whose. They know nothing of devices. */
@NullMarked
package dev.lockstep.decoder.kv;

import org.jspecify.annotations.NullMarked;
