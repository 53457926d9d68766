package dev.lockstep.journal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.batch.FakeJob;
import dev.lockstep.batch.FakeJob.End;
import dev.lockstep.batch.FakeJob.Kill;
import dev.lockstep.fixtures.Runs;
import dev.lockstep.journal.CrashSuspects.Death;
import dev.lockstep.journal.CrashSuspects.Sample;

import static org.assertj.core.api.Assertions.assertThat;

class CrashSuspectsTest {
    @TempDir
    private Path dir;

    private FakeJob job(int number, int rows, Set<Integer> poison, Random random) throws IOException {
        return new FakeJob(Files.createDirectory(dir.resolve("job" + number)), rows, poison, random);
    }

    /** Exactly the rows that kill are set aside, and each of them costs few deaths. */
    @Test
    void run_rowsThatKill_areFoundInFewDeaths() throws IOException {
        for (int number = 0; number < 50; number++) {
            Random random = new Random(number);
            int rows = 4 + random.nextInt(number % 5 == 0 ? 500 : 60);
            Set<Integer> poison = new TreeSet<>();
            for (int i = random.nextInt(4); i > 0; i--) {
                poison.add(random.nextInt(rows));
            }
            FakeJob job = job(number, rows, poison, random);
            // as with GPUs, where all of a job may be under way at once, or as on a small processor
            int slots = 1 + random.nextInt(number % 2 == 0 ? rows : 8);
            int deaths = 0;
            while (job.run(1 + random.nextInt(4), slots, Kill.NONE, false) != End.DONE) {
                deaths++;
            }
            int log = 32 - Integer.numberOfLeadingZeros(rows - 1);
            assertThat(deaths).as("deaths of job %d, %d rows, %d slots", number, rows, slots)
                    .isLessThanOrEqualTo(poison.size() * (log + 2));
            assertThat(job.setAside()).as("job %d", number).isEqualTo(poison);
            assertThat(Runs.rows(job.results())).hasSize(rows);
        }
    }

    /** As when prompts abort the tokenizer as soon as two ranks start: nobody is left to end in good order. */
    @Test
    void run_ranksThatDieTogetherOfTheirRows_endAllTheSame() throws IOException {
        for (int number = 0; number < 12; number++) {
            Random random = new Random(number);
            Set<Integer> poison = Set.of(random.nextInt(20), 20 + random.nextInt(20));
            FakeJob job = job(number, 40, poison, random);
            int deaths = 0;
            while (job.run(2, 20, Kill.NONE, true) != End.DONE) {
                deaths++;
                assertThat(deaths).as("job %d", number).isLessThan(3 * (6 + 2));
            }
            assertThat(job.setAside()).isEqualTo(poison);
        }
    }

    @Test
    void run_killedFromOutside_setsNothingAside() throws IOException {
        int kills = 0;
        for (int number = 0; number < 60; number++) {
            Random random = new Random(number);
            int rows = 20 + random.nextInt(60);
            FakeJob job = job(number, rows, Set.of(), random);
            for (int run = 0; run < 4; run++) {
                kills += job.run(1 + random.nextInt(4), 1 + random.nextInt(rows),
                        new Kill(random.nextInt(3 * rows), random.nextBoolean()), false) == End.DONE ? 0 : 1;
            }
            assertThat(job.run(2, 8, Kill.NONE, false)).isEqualTo(End.DONE);
            assertThat(Runs.field(Runs.rows(job.results()), "text")).as("job %d", number)
                    .isEqualTo(job.expected());
        }
        assertThat(kills).isGreaterThan(120);
    }

    @Test
    void of_ranksThatDiedTogether_areHeldAgainstNobodyTheFirstTime() {
        List<Death> once = List.of(new Death(1, Set.of(new Sample(1, 0)), false),
                new Death(1, Set.of(new Sample(2, 0)), false));
        assertThat(new CrashSuspects(once).of(new Sample(1, 0))).isNull();
        List<Death> twice = List.of(once.get(0), once.get(1), new Death(2, Set.of(new Sample(1, 0)), false),
                new Death(2, Set.of(), false));
        assertThat(new CrashSuspects(twice).of(new Sample(1, 0)).deaths()).isEqualTo(2);
        assertThat(new CrashSuspects(twice).of(new Sample(2, 0))).isNull();
    }

    /** Two ranks that compute the model together and died in one run are one death, and so is one of them alone. */
    @Test
    void of_ranksThatHadTheSameRows_dieAsOne() {
        Sample row = new Sample(1, 0);
        Sample other = new Sample(2, 0);
        List<Death> both = List.of(new Death(1, Set.of(row, other), false), new Death(1, Set.of(row), false));
        assertThat(new CrashSuspects(both).of(row).deaths()).isEqualTo(1);
        assertThat(new CrashSuspects(both).of(other).deaths()).isEqualTo(1);
        List<Death> deaths = IntStream.range(1, 5).mapToObj(run -> new Death(run, Set.of(row), run > 1))
                .flatMap(death -> Stream.of(death, death)).toList();
        assertThat(new CrashSuspects(deaths).of(row).setAside()).isTrue();
        assertThat(new CrashSuspects(deaths.subList(0, 6)).of(row).setAside()).isFalse();
    }

    @Test
    void of_rowThatWasAlone_isSetAsideAtTheFourthDeath() {
        Set<Sample> row = Set.of(new Sample(1, 0));
        List<Death> deaths = List.of(new Death(4, row, true), new Death(3, row, true), new Death(2, row, true),
                new Death(1, row, false));
        assertThat(new CrashSuspects(deaths).of(new Sample(1, 0)).setAside()).isTrue();
        assertThat(new CrashSuspects(deaths.subList(1, 4)).of(new Sample(1, 0)).setAside()).isFalse();
        List<Death> neverAlone = IntStream.range(1, 9)
                .mapToObj(run -> new Death(run, Set.of(new Sample(1, 0), new Sample(run, 1)), run > 1)).toList();
        assertThat(new CrashSuspects(neverAlone).of(new Sample(1, 0)).setAside()).isFalse();
    }
}
