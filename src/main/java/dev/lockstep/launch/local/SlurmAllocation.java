package dev.lockstep.launch.local;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What Slurm's variables say about the job, the step and the task that this process is in. */
public record SlurmAllocation(Map<String, String> environment) {
    /** The step of a shell that salloc opened on the first node: no rank, although it looks like one. */
    private static final String INTERACTIVE_STEP = "4294967290";

    /** Whether this process was started by srun; the shell of a batch script has a rank too but no step. */
    public static boolean isTask(Map<String, String> environment) {
        String step = environment.get("SLURM_STEP_ID");
        return step != null && !step.equals(INTERACTIVE_STEP) && environment.containsKey("SLURM_PROCID");
    }

    /** Whether this process holds an allocation in which it can start a step. */
    public static boolean isHeldBy(Map<String, String> environment) {
        return environment.containsKey("SLURM_JOB_ID") && !isTask(environment);
    }

    /** Number of tasks that were asked for, in whatever way, or 0 when only nodes were. */
    public int tasks() {
        if (number("SLURM_NTASKS") > 0) {
            return number("SLURM_NTASKS");
        }
        int perNode = firstNumber("SLURM_NTASKS_PER_NODE", "SLURM_GPUS_ON_NODE");
        return perNode * nodes();
    }

    public int nodes() {
        return Math.max(1, firstNumber("SLURM_NNODES", "SLURM_JOB_NUM_NODES"));
    }

    /** The value, or 0 where it is not set or does not begin with a number, as in {@code 2(x3)}. */
    public int number(String name) {
        String digits = environment.getOrDefault(name, "").replaceFirst("^(\\d{1,9}).*$", "$1");
        return digits.matches("\\d+") ? Integer.parseInt(digits) : 0;
    }

    /** Whether GPUs belong to the job: without, device files of GPUs that others use may still be seen. */
    boolean hasGpus() {
        return environment.keySet().stream()
                .anyMatch(name -> name.matches("SLURM_(STEP_GPUS|JOB_GPUS|GPUS_ON_NODE|GPUS|GPUS_PER_\\w+)"));
    }

    /** This task's rank on its node. */
    public int localRank() {
        return number("SLURM_LOCALID");
    }

    /** The step's tasks on this task's node. */
    public int localSize() {
        List<Integer> perNode = expand(environment.getOrDefault("SLURM_STEP_TASKS_PER_NODE",
                environment.getOrDefault("SLURM_TASKS_PER_NODE", "1")));
        int node = number("SLURM_NODEID");
        return node < perNode.size() ? perNode.get(node) : 1;
    }

    /** {@code 2(x3),1} is 2, 2, 2, 1. */
    public static List<Integer> expand(String text) {
        List<Integer> numbers = new ArrayList<>();
        for (String part : text.split(",")) {
            String[] fields = part.split("\\(x|\\)");
            int times = fields.length > 1 ? Integer.parseInt(fields[1]) : 1;
            for (int i = 0; i < times; i++) {
                numbers.add(Integer.parseInt(fields[0].strip()));
            }
        }
        return numbers;
    }

    private int firstNumber(String first, String second) {
        return number(first) > 0 ? number(first) : number(second);
    }
}
