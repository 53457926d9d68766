package dev.lockstep.world;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.bench.SelftestJob;
import dev.lockstep.fixtures.CollectivesProgram;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.RandomCollectives;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Every collective, over all roots and awkward values, between ranks that are threads: in the time in which some processes
 * start, more numbers of ranks than CollectivesIT and BuiltInsIT have.
 */
@Timeout(300)
class ThreadedCollectivesTest {
    private final PrintStream stdout = System.out;
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

    @BeforeEach
    void capture() {
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void release() {
        System.setOut(stdout);
    }

    private List<String> lines() {
        return printed.toString(StandardCharsets.UTF_8).lines().toList();
    }

    @ParameterizedTest
    @LongRun(butFor = {1, 2, 3, 4})
    @ValueSource(ints = {1, 2, 3, 4, 7, 17})
    void selftest_ofSoManyRanks_passes(int ranks) {
        Worlds.each(ranks, world -> SelftestJob.main(new String[0]));
        assertThat(lines()).hasSizeGreaterThan(20).allSatisfy(line -> assertThat(line).startsWith("ok  "));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 6})
    void collectives_overAllRootsAndAwkwardValues(int ranks) {
        Worlds.each(ranks, world -> CollectivesProgram.main(new String[]{"small", "-x"}));
        assertThat(lines()).containsExactly("checked by " + ranks);
    }

    @ParameterizedTest
    @LongRun(butFor = 1)
    @ValueSource(ints = {1, 2, 3})
    void collectives_atRandom(int seed) throws IOException {
        Worlds.each(5, world -> RandomCollectives.main(new String[]{"1", Integer.toString(seed)}));
        assertThat(lines()).last().asString().matches("no error in \\d+00 rounds");
    }
}
