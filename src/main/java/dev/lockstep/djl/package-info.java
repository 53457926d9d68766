/**
 * DJL's native libraries: loaded by one process of a host at a time, from a cache that nobody else can write. Uses
 * {@code host}; knows neither models nor what the libraries are for. Begin with
 * {@link dev.lockstep.djl.DjlLibraries}.
 */
@NullMarked
package dev.lockstep.djl;

import org.jspecify.annotations.NullMarked;
