package dev.lockstep.launch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Cluster;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;

import static dev.lockstep.fixtures.Launched.HOME;
import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.awaitTrue;
import static dev.lockstep.fixtures.Launched.signal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Jobs in a real Slurm of two nodes with four GPUs each, all on this machine. */
class SlurmIT {
    private static final String SCRIPT = HOME.resolve("src/test/slurm/cluster.sh").toString();
    private static final String MPJRUN = HOME.resolve("launch/mpjrun.sh").toString();
    private static final String RANK = HOME.resolve("launch/rank.sh").toString();
    private static final String PROGRAMS = "dev.lockstep.fixtures.Programs";

    private static Path directory;
    private static Cluster.Result up;

    @BeforeAll
    static void start() throws IOException {
        directory = Files.createTempDirectory(Path.of("/tmp"), "ls"); // its sockets' paths must be short
        up = Cluster.run(SCRIPT, "up", directory.toString());
        assertThat(up.exitCode()).as(up.output()).isIn(0, Cluster.CANNOT);
    }

    /** Before each, so that every test that is skipped says why. */
    @BeforeEach
    void assumeThereAreSome() {
        assumeTrue(up.exitCode() != Cluster.CANNOT, () -> "no Slurm to run jobs in: " + up.output());
    }

    @AfterAll
    static void stop() {
        if (up.exitCode() == 0) {
            Set<ProcessHandle> daemons = Cluster.run(SCRIPT, "pids", directory.toString()).output().lines()
                    .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid)).stream()).collect(Collectors.toSet());
            assertThat(daemons).hasSize(4);
            Cluster.run(SCRIPT, "down", directory.toString());
            Launched.awaitGone(Duration.ofSeconds(5), List.copyOf(daemons)); // the last of them by SIGKILL
        }
        Cluster.run("rm", "-rf", directory.toString());
    }

    private static Cluster.Result slurm(String... words) {
        return Cluster.run(List.of("SLURM_CONF=" + directory.resolve("slurm.conf"),
                "LOCKSTEP_JAVA_OPTS=-XX:TieredStopAtLevel=1"), words);
    }

    /** Runs mpjrun.sh in an allocation of its own, as in an interactive shell. */
    private static Cluster.Result allocated(String options, String... words) {
        List<String> command = new ArrayList<>(List.of("salloc", "--quiet"));
        command.addAll(Arrays.asList(options.split(" ")));
        command.add(MPJRUN);
        command.addAll(Arrays.asList(words));
        return slurm(command.toArray(String[]::new));
    }

    private static Cluster.Result stepped(String options, String... words) {
        List<String> command = new ArrayList<>(List.of("srun", "--quiet", "--export=ALL"));
        command.addAll(Arrays.asList(options.split(" ")));
        command.add(RANK);
        command.addAll(Arrays.asList(words));
        return slurm(command.toArray(String[]::new));
    }

    /** Submits a batch job and returns its number; what it writes is in the file. */
    private static String submit(Path output, String script, String... options) {
        List<String> command = new ArrayList<>(List.of("sbatch", "--parsable", "--open-mode=append",
                "--chdir=" + HOME, "--output=" + output));
        command.addAll(Arrays.asList(options));
        command.addAll(List.of("--wrap", script));
        Cluster.Result submitted = slurm(command.toArray(String[]::new));
        assertThat(submitted.exitCode()).as(submitted.output()).isZero();
        return submitted.output();
    }

    private static void await(Path file, String text) {
        awaitTrue(Duration.ofSeconds(60), () -> read(file).contains(text));
    }

    private static String read(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }

    /** What runs in a job, by the variable that Slurm gives every process of it. */
    private static List<ProcessHandle> processesOf(String job) {
        return ProcessHandle.allProcesses().filter(
                process -> read(Path.of("/proc", Long.toString(process.pid()), "environ")).contains(
                        "SLURM_JOB_ID=" + job + "\0"))
                .filter(process -> read(Path.of("/proc", Long.toString(process.pid()), "cmdline")).contains("lockstep"))
                .toList();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --nodes=2 --ntasks-per-node=2 --gpus-per-task=1               | 0 0, 1 1, 2 0, 3 1
            --nodes=1 --ntasks-per-node=4 --gres=gpu:4                    | 0 0, 1 1, 2 2, 3 3
            --nodes=1 --ntasks-per-node=3 --gpus-per-node=2               | 0 0, 1 1, 2 0
            --nodes=2 --ntasks-per-node=1 --gres=gpu:4 --gpu-bind=single:1 | 0 0, 1 0
            --nodes=2 --ntasks-per-node=2 --gpus-per-task=1 -m cyclic     | 0 0, 1 0, 2 1, 3 1
            --ntasks=2                                                    | '0 ', '1 '
            """)
    void gpus_eachRankHasItsOwn(String options, String expected) {
        Cluster.Result result = allocated(options.strip(), "-cp", TEST_CLASSES, PROGRAMS, "variable",
                "CUDA_VISIBLE_DEVICES");
        assertThat(result.exitCode()).as(result.output()).isZero();
        List<String> lines = Arrays.stream(expected.replace("'", "").split(",")).map(String::strip).toList();
        assertThat(result.output().lines().map(String::strip)).containsExactlyInAnyOrderElementsOf(lines);
    }

    @Test
    void threads_areTheAllocations() {
        Cluster.Result result = allocated("--nodes=2 --ntasks-per-node=1 --cpus-per-task=3", "-cp", TEST_CLASSES,
                PROGRAMS, "variable", "OMP_NUM_THREADS");
        assertThat(result.output().lines()).as(result.output()).containsExactlyInAnyOrder("0 3", "1 3");
    }

    @Test
    void hello_cyclic_eachRankOnTheNodeThatSlurmChose() {
        Cluster.Result shown = allocated("--nodes=2 --ntasks-per-node=2 --distribution=cyclic", "--dry-run", "-v",
                "hello");
        Cluster.Result hello = allocated("--nodes=2 --ntasks-per-node=2 --distribution=cyclic", "hello");
        assertThat(hello.output().lines()).as(hello.output()).hasSize(4);
        assertThat(shown.output().lines()).as(shown.output()).hasSize(4);
        for (int rank = 0; rank < 4; rank++) {
            String node = "node" + (rank % 2 + 1);
            assertThat(hello.output().lines().toList().get(rank))
                    .matches("rank " + rank + " of 4 on " + node + " pid \\d+ device cpu");
            assertThat(shown.output().lines().toList().get(rank))
                    .startsWith("rank " + rank + " host " + node + " gpu #" + rank / 2 + " srun --kill-on-bad-exit=1 ");
        }
    }

    /** The signal is the one that Slurm sends before the time limit. */
    @Test
    @LongRun
    void generate_submittedAsItStands_isRequeuedAtTheLimitAndGoesOn() throws IOException {
        Path output = directory.resolve("generate.out");
        Path results = directory.resolve("results.jsonl");
        Cluster.Result submitted = slurm("sbatch", "--parsable", "--chdir=" + HOME, "--output=" + output,
                "--nodes=2", "--ntasks-per-node=2", "--gpus-per-task=0", "--cpus-per-task=1", "--time=5",
                HOME.resolve("launch/slurm/generate.sbatch").toString(), "--max-new-tokens", "60", "--batch-size",
                "1", "--output", results.toString());
        assertThat(submitted.exitCode()).as(submitted.output()).isZero();
        String job = submitted.output();
        awaitTrue(Duration.ofSeconds(60), () -> journaled(results) >= 3);
        List<ProcessHandle> first = processesOf(job);
        assertThat(slurm("scancel", "--batch", "--signal=USR1", job).exitCode()).isZero();
        Launched.awaitGone(Duration.ofSeconds(20), first);
        long before = journaled(results);
        assertThat(before).isLessThan(100);
        startNow(job);
        awaitTrue(Launched.LIMIT, () -> read(output).contains("tokens/sec: "));
        assertThat(Files.readAllLines(results)).hasSize(100);
        assertThat(read(results)).contains("\"rank\":0", "\"rank\":3");
        assertThat(read(output)).contains("generate: --resume: " + before + " rows were finished before\n");
        Matcher kept = Pattern.compile("mpjrun: at least (\\d+) of 100 rows are kept in " + results
                + ".journal; the same command goes on where it was\n").matcher(read(output));
        assertThat(kept.find()).as(read(output)).isTrue();
        assertThat(Long.parseLong(kept.group(1))).isBetween(1L, before);
    }

    /** As those do whose data are elsewhere: the script finds Lockstep by where it was submitted from. */
    @Test
    @LongRun
    void generate_submittedElsewhere_findsLockstepAndTakesOptionsForTheLauncher() throws IOException {
        Path data = Files.createDirectories(directory.resolve("data"));
        for (int task = 1; task <= 2; task++) {
            Files.writeString(data.resolve("part-" + task + ".txt"), "In the beginning\n".repeat(task));
        }
        Cluster.Result submitted = Cluster.run(List.of("SLURM_CONF=" + directory.resolve("slurm.conf"),
                "LOCKSTEP_MPJRUN_OPTIONS=-x 'GREETING=good day' --timeout 90"), "sbatch", "--parsable", "--wait",
                "--chdir=" + data, "--array=1-2", "--output=out-%a", "--gpus-per-task=0", "--cpus-per-task=1",
                "--time=5", HOME.resolve("launch/slurm/generate.sbatch").toString(), "-v", "--", "--prompts",
                "part-%a.txt", "--output", "answers-%a.jsonl", "--max-new-tokens", "3");
        assertThat(submitted.exitCode()).as(submitted.output() + read(data.resolve("out-1"))).isZero();
        for (int task = 1; task <= 2; task++) {
            assertThat(Files.readAllLines(data.resolve("answers-" + task + ".jsonl"))).hasSize(task);
            assertThat(read(data.resolve("out-" + task))).contains("mpjrun: rank 0 host node", "tokens/sec: ");
        }
        assertThat(slurm("env", "--chdir=" + data, "LOCKSTEP_HOME=/nowhere", "SLURM_JOB_ID=0", "SLURM_SUBMIT_DIR=/",
                "bash", HOME.resolve("launch/slurm/generate.sbatch").toString()))
                        .isEqualTo(new Cluster.Result(2,
                                "generate.sbatch: LOCKSTEP_HOME is /nowhere, which has no launch/mpjrun.sh"));
    }

    /** A job that would do the same for ever must not keep a cluster busy. */
    @Test
    void generate_noRowFinishedWithinTheLimit_isNotRequeued() throws IOException {
        Path output = directory.resolve("stuck.out");
        Path prompts = Files.writeString(directory.resolve("long.txt"), "In the beginning\n");
        Cluster.Result submitted = slurm("sbatch", "--parsable", "--output=" + output, "--gpus-per-task=0",
                "--cpus-per-task=1", "--time=5", HOME.resolve("launch/slurm/generate.sbatch").toString(), "--prompts",
                prompts.toString(), "--output", directory.resolve("stuck.jsonl").toString(), "--ignore-eos",
                "--max-new-tokens", "900");
        String job = submitted.output();
        await(output, "generate: loading ");
        assertThat(slurm("scancel", "--batch", "--signal=USR1", job).exitCode()).isZero();
        await(output, "generate.sbatch: ");
        assertThat(read(output))
                .endsWith("generate.sbatch: no row was finished within the time limit, so the job is not "
                        + "requeued: give it more time, with sbatch --time\n");
        awaitTrue(Duration.ofSeconds(30), () -> slurm("scontrol", "show", "job", job).output()
                .contains("JobState=FAILED"));
    }

    /**
     * A job that was requeued waits two minutes before it may start; this one need not, once it is in the queue. Its start
     * must be in a later second than its end, or Slurm kills it: "Job credential revoked".
     */
    private static void startNow(String job) {
        awaitTrue(Duration.ofSeconds(30), () -> slurm("scontrol", "show", "job", job).output()
                .contains("JobState=PENDING"));
        assertThat(slurm("scontrol", "update", "JobId=" + job, "StartTime=now+3").exitCode()).isZero();
    }

    /** How many rows the journals beside the results hold. */
    private static long journaled(Path results) {
        try (Stream<Path> files = Files.list(Path.of(results + ".journal"))) {
            return files.filter(file -> file.getFileName().toString().startsWith("rank-"))
                    .mapToLong(file -> read(file).lines().filter(line -> line.contains("\"token_ids\"")).count()).sum();
        } catch (IOException e) {
            return 0;
        }
    }

    @Test
    void rank_killed_isNamedWithItsNodeAndItsCode() {
        Path output = directory.resolve("killed.out");
        String job = submit(output, "launch/mpjrun.sh -cp " + TEST_CLASSES + " " + PROGRAMS + " wait; echo code $?",
                "--nodes=2", "--ntasks-per-node=2");
        await(output, "ready");
        ProcessHandle rank = processesOf(job).stream().filter(process -> {
            String variables = read(Path.of("/proc", Long.toString(process.pid()), "environ"));
            return variables.contains("LOCKSTEP_RANK=2\0");
        }).findFirst().orElseThrow();
        signal(rank, "KILL");
        await(output, "code ");
        assertThat(read(output)).isEqualTo(
                "ready\nmpjrun: rank 2 on host node2 failed first: killed by signal 9 (SIGKILL)\ncode 137\n");
        awaitTrue(Duration.ofSeconds(10), () -> processesOf(job).isEmpty());
    }

    @Test
    void node_setDown_othersGoOn() {
        Path output = directory.resolve("down.out");
        submit(output, "launch/mpjrun.sh --max-restarts 2 --min-ranks 2 -cp " + TEST_CLASSES + " " + PROGRAMS
                + " wait-once; echo code $?", "--nodes=2", "--ntasks-per-node=2", "--no-kill");
        await(output, "ready");
        assertThat(slurm("scontrol", "update", "nodename=node2", "state=down", "reason=test").exitCode()).isZero();
        try {
            await(output, "\ncode ");
            assertThat(read(output)).startsWith("ready\n").contains("; restart 1 of 2")
                    .contains("mpjrun: node2 does not answer: 2 ranks go on without\n")
                    .endsWith("restart 1 on [node1, node1]\ncode 0\n");
        } finally {
            // which a node that has told of itself meanwhile is already
            slurm("scontrol", "update", "nodename=node2", "state=resume");
            awaitTrue(Duration.ofSeconds(30),
                    () -> slurm("sinfo", "-h", "-t", "idle", "-o", "%D").output().equals("2"));
        }
    }

    @Test
    @LongRun
    void agent_killed_nodeThatAnswersIsUsedAgain() {
        Path output = directory.resolve("agent.out");
        String job = submit(output, "launch/mpjrun.sh --max-restarts 2 -cp " + TEST_CLASSES + " " + PROGRAMS
                + " wait-once; echo code $?", "--nodes=2", "--ntasks-per-node=1", "--gpus-per-task=1");
        await(output, "ready");
        ProcessHandle rank = processesOf(job).stream()
                .filter(process -> read(Path.of("/proc", Long.toString(process.pid()), "environ"))
                        .contains("LOCKSTEP_RANK=1\0"))
                .findFirst().orElseThrow();
        signal(rank.parent().orElseThrow(), "KILL");
        await(output, "\ncode ");
        assertThat(read(output)).startsWith("ready\n").contains("; restart 1 of 2")
                .endsWith("restart 1 on [node1, node2]\ncode 0\n").doesNotContain("does not answer");
    }

    @Test
    @LongRun
    void rank_killed_allStartAgainOnTheSameNodes() {
        Path output = directory.resolve("restarted.out");
        String job = submit(output, "launch/mpjrun.sh --max-restarts 2 -cp " + TEST_CLASSES + " " + PROGRAMS
                + " wait-once; echo code $?", "--nodes=2", "--ntasks-per-node=1");
        await(output, "ready");
        signal(processesOf(job).stream()
                .filter(process -> read(Path.of("/proc", Long.toString(process.pid()), "environ"))
                        .contains("LOCKSTEP_RANK=1\0"))
                .findFirst().orElseThrow(), "KILL");
        await(output, "code ");
        assertThat(read(output)).isEqualTo("ready\nmpjrun: rank 1 on host node2 failed first: killed by signal 9 "
                + "(SIGKILL); restart 1 of 2 in 1 s\nrestart 1 on [node1, node2]\ncode 0\n");
    }

    @Test
    @LongRun
    void scancel_leavesNothing_andRequeueStartsAgain() {
        Path output = directory.resolve("again.out");
        String script = "echo restart ${SLURM_RESTART_COUNT:-0}; launch/mpjrun.sh -cp " + TEST_CLASSES + " " + PROGRAMS
                + " wait";
        String job = submit(output, script, "--ntasks=2", "--requeue");
        await(output, "ready");
        List<ProcessHandle> first = processesOf(job);
        assertThat(first).hasSizeGreaterThanOrEqualTo(5); // the launcher, two agents, two ranks
        assertThat(slurm("scontrol", "requeue", job).exitCode()).isZero();
        Launched.awaitGone(Duration.ofSeconds(20), first);
        startNow(job);
        awaitTrue(Duration.ofSeconds(60), () -> read(output).matches("(?s).*restart 1.*ready.*"));
        List<ProcessHandle> second = processesOf(job);
        assertThat(second).hasSizeGreaterThanOrEqualTo(5).doesNotContainAnyElementsOf(first);
        assertThat(slurm("scancel", job).exitCode()).isZero();
        Launched.awaitGone(Duration.ofSeconds(20), second);
    }

    @Test
    void bareSrun_ranksFindEachOther() {
        Cluster.Result hello = stepped("--mpi=pmi2 --nodes=2 --ntasks-per-node=2 --gpus-per-task=1", "hello");
        assertThat(hello.exitCode()).as(hello.output()).isZero();
        assertThat(hello.output().lines()).hasSize(4);
        for (int rank = 0; rank < 4; rank++) {
            assertThat(hello.output().lines().toList().get(rank)).matches(
                    "rank " + rank + " of 4 on node" + (rank / 2 + 1) + " pid \\d+ device cuda");
        }
        Cluster.Result source = stepped("--mpi=pmi2 --nodes=2 --ntasks=2", "--device", "cpu",
                HOME.resolve("examples/HelloRanks.java").toString());
        assertThat(source.output().lines()).hasSize(3).anyMatch(line -> line.startsWith("rank 1 of 2 on "));
        Cluster.Result exit = stepped("--mpi=pmi2 --nodes=2 --ntasks=2", "-cp", TEST_CLASSES, PROGRAMS, "exit", "42");
        assertThat(exit.exitCode()).isEqualTo(42);
        assertThat(exit.output()).contains("mpjrun: rank 1 on host node2 failed first: exited with code 42");
    }

    @Test
    void bareSrun_withoutPmi_isOneSentence() {
        Cluster.Result result = stepped("--ntasks=2", "hello");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.output().lines().filter(line -> line.startsWith("lockstep: ")))
                .as(result.output()).singleElement().asString()
                .startsWith("lockstep: srun gives its tasks no way to find each other: srun --mpi=pmi2");
        Cluster.Result unknown = stepped("--mpi=pmi2 --ntasks=2", "no.such.Job");
        assertThat(unknown.exitCode()).isEqualTo(2);
        assertThat(unknown.output()).contains("mpjrun: there is no job no.such.Job");
        Cluster.Result many = allocated("--ntasks=2", "-np", "3", "hello");
        assertThat(many.exitCode()).isEqualTo(2);
        assertThat(many.output()).startsWith("mpjrun: -np 3 is more than the 2 tasks of Slurm job ");
    }
}
