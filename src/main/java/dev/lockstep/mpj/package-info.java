/**
 * What MPJ Express runs on here: devices of its interface {@code xdev.Device}, over UCX, the transport library of Open MPI
 * and MPICH, and over TCP. Knows neither the world above it nor the launcher. Begin with {@link dev.lockstep.mpj.UcxDevice}
 * or {@link dev.lockstep.mpj.TcpDevice}.
 */
@NullMarked
package dev.lockstep.mpj;

import org.jspecify.annotations.NullMarked;
