package dev.lockstep.wire;

/**
 * How a job's ranks send each other messages.
 *
 * @param device  auto, ucx, tcp or niodev
 * @param ports   that they, and the launcher, may listen on
 * @param encrypt whether what goes over a network between them is encrypted
 */
public record Traffic(String device, PortRange ports, boolean encrypt) {
    /** Of MPJ Express's own launcher, and of a job that does not say. */
    public static Traffic by(String device) {
        return new Traffic(device, PortRange.ANY, false);
    }
}
