package dev.lockstep.launch.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

class HostLimitsTest {
    private static final Map<String, String> NO_SLURM = Map.of();

    @TempDir
    private Path root;

    private void write(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text + "\n");
    }

    @Test
    void detect_withoutLimits_isTheMachine() throws IOException {
        assertThat(HostLimits.detect(8, root, NO_SLURM, 1)).isEqualTo(new HostLimits(8, 0));
        write("proc/self/cgroup", "0::/");
        write("sys/fs/cgroup/memory.max", "max");
        write("sys/fs/cgroup/cpu.max", "max 100000");
        assertThat(HostLimits.detect(8, root, NO_SLURM, 1)).isEqualTo(new HostLimits(8, 0));
    }

    @Test
    void detect_v2_takesTheTightestOnTheWayUp() throws IOException {
        write("proc/self/cgroup", "0::/slurm/job_1/step_0/user/task_0");
        write("sys/fs/cgroup/slurm/job_1/step_0/user/task_0/memory.max", "max");
        write("sys/fs/cgroup/slurm/job_1/step_0/memory.max", "4294967296");
        write("sys/fs/cgroup/slurm/job_1/memory.max", "8589934592");
        write("sys/fs/cgroup/slurm/job_1/cpu.max", "250000 100000");
        assertThat(HostLimits.detect(8, root, NO_SLURM, 1)).isEqualTo(new HostLimits(3, 4L << 30));
    }

    @Test
    void detect_v1_inAContainerThatSeesOnlyTheTop() throws IOException {
        write("proc/self/cgroup", "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824");
        write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000");
        write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
        assertThat(HostLimits.detect(8, root, NO_SLURM, 1)).isEqualTo(new HostLimits(1, 1L << 30));
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
        write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
        assertThat(HostLimits.detect(8, root, NO_SLURM, 1)).isEqualTo(new HostLimits(8, 0));
    }

    @Test
    void detect_inASlurmTask_isWhatTheJobWasGiven() {
        Map<String, String> task = Map.of("SLURM_STEP_ID", "0", "SLURM_PROCID", "1", "SLURM_CPUS_ON_NODE", "12",
                "SLURM_MEM_PER_CPU", "1000");
        assertThat(HostLimits.detect(64, root, task, 4)).isEqualTo(new HostLimits(12, 12000L << 20));
        assertThat(HostLimits.detect(64, root, task, 4).threads(4)).isEqualTo(3);
        assertThat(HostLimits.detect(3, root, task, 4).threads(4)).as("bound to its own 3").isEqualTo(3);
        assertThat(HostLimits.detect(64, root, with(task, "SLURM_CPUS_PER_TASK", "2"), 4).threads(4)).isEqualTo(2);
        assertThat(HostLimits.detect(64, root, with(task, "SLURM_MEM_PER_NODE", "2048"), 4).memory())
                .isEqualTo(2L << 30);
        Map<String, String> batchShell = Map.of("SLURM_PROCID", "0", "SLURM_CPUS_ON_NODE", "12");
        assertThat(HostLimits.detect(64, root, batchShell, 1)).isEqualTo(new HostLimits(64, 0));
    }

    private static Map<String, String> with(Map<String, String> map, String name, String value) {
        Map<String, String> more = new HashMap<>(map);
        more.put(name, value);
        return more;
    }
}
