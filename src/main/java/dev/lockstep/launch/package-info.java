/**
 * mpjrun: plans ranks over hosts and GPUs, starts them here, over ssh or through Slurm, and sees them through to the
 * job's exit code. Uses {@code wire} and {@code host}; sees neither DJL nor MPJ. Begin with
 * {@code Mpjrun}, then {@code Supervisor}.
 */
package dev.lockstep.launch;
