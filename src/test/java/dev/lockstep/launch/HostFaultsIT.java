package dev.lockstep.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Launched;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** What a host does to a job: full disks, directories that cannot be written; and what a job leaves on it. */
class HostFaultsIT {
    private static final String PROGRAMS = "dev.lockstep.fixtures.Programs";

    @TempDir
    private Path scratch;

    @ParameterizedTest
    @ValueSource(strings = {"out", "err"})
    void outputFile_onAFullDisk_endsTheJobWithASentence(String stream) throws IOException {
        Path file = Files.createSymbolicLink(scratch.resolve("rank.0." + stream), Path.of("/dev/full"));
        Launched.Result result = mpjrun("-np", "1", "--output-filename", scratch.toString(), "-cp", TEST_CLASSES,
                PROGRAMS, "both-streams").run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.stderr()).isEqualTo("mpjrun: output of the ranks is lost: " + file
                + " cannot be written: No space left on device\n");
    }

    @Test
    void stdout_onAFullDisk_endsTheJobWithASentence() {
        Launched.Result result = Launched.script(Path.of("bash"), "-c", "exec \"$1\" -np 1 -cp \"$2\" " + PROGRAMS
                + " both-streams >/dev/full", "bash", Launched.HOME.resolve("launch/mpjrun.sh").toString(),
                TEST_CLASSES)
                .run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.stderr()).endsWith("mpjrun: output of the ranks is lost: stdout cannot be written: No space "
                + "left on device\n");
    }

    @Test
    void directories_thatCannotBeWritten_areOneSentenceEach() throws IOException {
        Path file = Files.createFile(scratch.resolve("file"));
        Launched.Result output = mpjrun("-np", "1", "--output-filename", file + "/dir", "hello").run();
        assertThat(output.exitCode()).isEqualTo(2);
        assertThat(output.stderr())
                .startsWith("mpjrun: --output-filename " + file + "/dir: the directory cannot be made: ")
                .hasLineCount(1);
        Launched.Result temporary = mpjrun("-np", "1", "hello").env("TMPDIR", file.toString()).run();
        assertThat(temporary.exitCode()).isEqualTo(2);
        assertThat(temporary.stderr()).startsWith("mpjrun: no temporary directory can be made in " + file)
                .hasLineCount(1);
        Files.createDirectory(scratch.resolve("rank.0.out"));
        Launched.Result directory = mpjrun("-np", "1", "--output-filename", scratch.toString(), "hello").run();
        assertThat(directory.exitCode()).isEqualTo(1);
        assertThat(directory.stderr()).contains("the output of rank 0 cannot be written to "
                + scratch.resolve("rank.0.out") + ": Is a directory").hasLineCount(1);
    }

    /** DJL itself would log a trace and then throw another. */
    @Test
    void libraries_thatCannotBeUnpacked_areOneSentence() throws IOException {
        Path file = Files.createFile(scratch.resolve("file"));
        Launched.Result result = mpjrun("-q", "-np", "1", "--device", "cpu", "generate", "--output",
                scratch.resolve("r.jsonl").toString()).env("DJL_CACHE_DIR", file + "/djl").run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr()).isEqualTo("generate: DJL's native libraries cannot be loaded (Not a directory): it "
                + "unpacks or fetches them into " + file + "/djl, which must be writable, or filled beforehand "
                + "(DJL_CACHE_DIR names another directory).\n");
    }

    @Test
    void temporaryFiles_doNotOutliveAKilledRank() {
        try (Launched launched = mpjrun("-np", "2", "-cp", TEST_CLASSES, PROGRAMS, "temporary")
                .env("TMPDIR", scratch.toString()).start()) {
            launched.awaitStdout("ready");
            List<Path> files = launched.stdout().lines().filter(line -> line.startsWith("/")).map(Path::of).toList();
            // each rank says where its JVM and where a child of its makes temporary files
            assertThat(files).hasSize(4).allMatch(Files::exists).allMatch(file -> file.startsWith(scratch));
            assertThat(files.stream().map(Path::getParent).distinct()).hasSize(2);
            launched.killRank(1, 2);
        }
        assertThat(scratch).isEmptyDirectory();
    }

    @Test
    void temporaryDirectory_thatTheUserNames_isTheUsers() {
        Launched.Result result = mpjrun("-np", "1", "-x", "TMPDIR=/var/tmp", "-cp", TEST_CLASSES, PROGRAMS, "variable",
                "TMPDIR").run();
        assertThat(result.stdout()).isEqualTo("0 /var/tmp\n");
    }

    /** Those that have left the rank's session, and whose parents are gone, end with the job too. */
    @ParameterizedTest
    @ValueSource(ints = {0, 7})
    void children_thatTheirRankHasLetGo_endWithTheJob(int code) {
        Launched.Result result = mpjrun("-np", "2", "-cp", TEST_CLASSES, PROGRAMS, "orphan", Integer.toString(code))
                .run();
        assertThat(result.exitCode()).as(result.stderr()).isEqualTo(code);
        List<ProcessHandle> children = result.lines().stream().filter(line -> line.startsWith("child "))
                .flatMap(line -> ProcessHandle.of(Long.parseLong(line.substring(6))).stream()).toList();
        assertThat(result.stdout()).contains("child ");
        // one that is over stays a zombie where nobody reaps the orphans of a container
        assertThat(children).allMatch(child -> Launched.environment(child).isEmpty());
    }
}
