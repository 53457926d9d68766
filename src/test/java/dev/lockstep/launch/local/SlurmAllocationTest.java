package dev.lockstep.launch.local;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.host.UsageException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SlurmAllocationTest {
    @Test
    void batchShell_isNoTask_thoughItHasARank() {
        Map<String, String> shell = Map.of("SLURM_JOB_ID", "7", "SLURM_PROCID", "0", "SLURM_NTASKS", "4");
        assertThat(SlurmAllocation.isTask(shell)).isFalse();
        assertThat(SlurmAllocation.isHeldBy(shell)).isTrue();
        Map<String, String> task = Map.of("SLURM_JOB_ID", "7", "SLURM_PROCID", "0", "SLURM_STEP_ID", "0");
        assertThat(SlurmAllocation.isTask(task)).isTrue();
        assertThat(SlurmAllocation.isHeldBy(task)).isFalse();
        Map<String, String> interactive = Map.of("SLURM_JOB_ID", "7", "SLURM_PROCID", "0", "SLURM_STEP_ID",
                "4294967290");
        assertThat(SlurmAllocation.isHeldBy(interactive)).isTrue();
        assertThat(SlurmAllocation.isHeldBy(Map.of())).isFalse();
    }

    @Test
    void tasks_howeverTheyWereAskedFor() {
        assertThat(new SlurmAllocation(Map.of("SLURM_NTASKS", "6", "SLURM_NNODES", "2")).tasks()).isEqualTo(6);
        assertThat(new SlurmAllocation(Map.of("SLURM_NTASKS_PER_NODE", "4", "SLURM_NNODES", "2")).tasks()).isEqualTo(8);
        assertThat(new SlurmAllocation(Map.of("SLURM_GPUS_ON_NODE", "4", "SLURM_JOB_NUM_NODES", "3")).tasks())
                .isEqualTo(12);
        assertThat(new SlurmAllocation(Map.of("SLURM_NNODES", "2")).tasks()).isZero();
    }

    @Test
    void localSize_isThatOfTheTasksNode() {
        assertThat(SlurmAllocation.expand("2(x3),1")).isEqualTo(List.of(2, 2, 2, 1));
        SlurmAllocation last = new SlurmAllocation(Map.of("SLURM_STEP_TASKS_PER_NODE", "2(x2),1", "SLURM_NODEID", "2",
                "SLURM_LOCALID", "0"));
        assertThat(last.localSize()).isEqualTo(1);
        assertThat(last.localRank()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"10.1.2.3, 10.1.0.0/16, true", "10.2.2.3, 10.1.0.0/16, false", "10.1.2.3, 10.1.2.3, true",
            "10.1.2.4, 10.1.2.3, false", "10.1.2.3, 0.0.0.0/0, true", "10.1.2.127, 10.1.2.64/26, true",
            "10.1.2.128, 10.1.2.64/26, false", "fd00::1, fd00::/8, true", "10.1.2.3, fd00::/8, false",
            "10.1.2.3, 10.1.0.0/33, false", "10.1.2.3, 10.1.0.0/x, false", "10.1.2.3, eth0, false"})
    void network_isIn(String address, String subnet, boolean expected) throws UnknownHostException {
        assertThat(HostAddresses.isIn(InetAddress.getByName(address), subnet)).isEqualTo(expected);
    }

    @Test
    void network_thatIsNotHere_isNamedWithThoseThatAre() {
        assertThat(HostAddresses.addresses("127.0.0.0/8")).extracting(HostAddresses::text).contains("127.0.0.1");
        assertThat(HostAddresses.addresses("")).noneMatch(InetAddress::isLoopbackAddress);
        assertThatThrownBy(() -> HostAddresses.addresses("203.0.113.0/24")).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("--interface 203.0.113.0/24: ").hasMessageContaining("lo 127.0.0.1");
    }
}
