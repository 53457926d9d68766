/**
 * What the places of all ranks say about a job: for the launcher, and for ranks that are threads of one JVM. Knows neither
 * processes nor links.
 */
@NullMarked
package dev.lockstep.watch;

import org.jspecify.annotations.NullMarked;
