package dev.lockstep.launch;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class AllocationTest {
    @Test
    void batchShell_isNoTask_thoughItHasARank() {
        Map<String, String> shell = Map.of("SLURM_JOB_ID", "7", "SLURM_PROCID", "0", "SLURM_NTASKS", "4");
        assertThat(Allocation.isTask(shell)).isFalse();
        assertThat(Allocation.isHeldBy(shell)).isTrue();
        Map<String, String> task = Map.of("SLURM_JOB_ID", "7", "SLURM_PROCID", "0", "SLURM_STEP_ID", "0");
        assertThat(Allocation.isTask(task)).isTrue();
        assertThat(Allocation.isHeldBy(task)).isFalse();
        Map<String, String> interactive = Map.of("SLURM_JOB_ID", "7", "SLURM_PROCID", "0", "SLURM_STEP_ID",
                "4294967290");
        assertThat(Allocation.isHeldBy(interactive)).isTrue();
        assertThat(Allocation.isHeldBy(Map.of())).isFalse();
    }

    @Test
    void tasks_howeverTheyWereAskedFor() {
        assertThat(new Allocation(Map.of("SLURM_NTASKS", "6", "SLURM_NNODES", "2")).tasks()).isEqualTo(6);
        assertThat(new Allocation(Map.of("SLURM_NTASKS_PER_NODE", "4", "SLURM_NNODES", "2")).tasks()).isEqualTo(8);
        assertThat(new Allocation(Map.of("SLURM_GPUS_ON_NODE", "4", "SLURM_JOB_NUM_NODES", "3")).tasks())
                .isEqualTo(12);
        assertThat(new Allocation(Map.of("SLURM_NNODES", "2")).tasks()).isZero();
    }

    @Test
    void localSize_isThatOfTheTasksNode() {
        assertThat(Allocation.expand("2(x3),1")).isEqualTo(List.of(2, 2, 2, 1));
        Allocation last = new Allocation(Map.of("SLURM_STEP_TASKS_PER_NODE", "2(x2),1", "SLURM_NODEID", "2",
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
        assertThat(Network.isIn(InetAddress.getByName(address), subnet)).isEqualTo(expected);
    }

    @Test
    void network_thatIsNotHere_isNamedWithThoseThatAre() {
        assertThat(Network.addresses("127.0.0.0/8")).extracting(Network::text).contains("127.0.0.1");
        assertThat(Network.addresses("")).noneMatch(InetAddress::isLoopbackAddress);
        assertThatThrownBy(() -> Network.addresses("203.0.113.0/24")).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("--interface 203.0.113.0/24: ").hasMessageContaining("lo 127.0.0.1");
    }
}
