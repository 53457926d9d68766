package dev.lockstep.torch;

/**
 * What tensors are on and steps are computed on.
 *
 * @param name as torch has it: {@code cpu}, {@code cuda:0}
 */
public record Device(String name) {
    public static final Device CPU = new Device("cpu");

    /**
     * A rank's device.
     *
     * @param kind {@code cpu} or {@code cuda}; of the GPUs a rank sees its own alone
     */
    public static Device ofRank(String kind) {
        return kind.equals("cuda") ? new Device("cuda:0") : CPU;
    }

    public boolean isCpu() {
        return equals(CPU);
    }

    @Override
    public String toString() {
        return name;
    }
}
