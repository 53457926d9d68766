/**
 * What MPJ Express runs on here: a device of its interface {@code xdev.Device} over UCX, the transport library of Open MPI
 * and MPICH. Knows neither the world above it nor the launcher. Begin with {@link dev.lockstep.mpj.UcxDevice}.
 */
@NullMarked
package dev.lockstep.mpj;

import org.jspecify.annotations.NullMarked;
