package dev.lockstep.job;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

class DealerTest {
    @TempDir
    private Path dir;

    private Dealer dealer(int prompts, int ranks, boolean inBlocks, int samples) throws IOException {
        Path file = Files.writeString(dir.resolve("p.txt"), text(prompts));
        return new Dealer(Prompts.survey(file.toString(), null, inBlocks, samples, row -> row), ranks, inBlocks,
                samples, JournalIndex.read(dir));
    }

    private static String text(int prompts) {
        return IntStream.range(0, prompts).mapToObj(i -> "\"prompt " + i + "\"\n").collect(Collectors.joining());
    }

    private static List<String> rows(Dealer.Hand hand) {
        List<String> rows = new ArrayList<>();
        for (Dealer.Work work : hand.work()) {
            for (int sample = work.from(); sample < work.to(); sample++) {
                rows.add(work.prompt().index() + "." + sample + (work.alone() ? " alone" : "")
                        + (work.prompt().error() != null ? " aside" : ""));
            }
        }
        return rows;
    }

    @Test
    void deal_dynamic_goesToWhoeverComes() throws IOException {
        Dealer dealer = dealer(10, 2, false, 1);
        assertThat(rows(dealer.deal(1, 4, 0))).containsExactly("0.0", "1.0", "2.0", "3.0");
        assertThat(rows(dealer.deal(0, 3, 0))).containsExactly("4.0", "5.0", "6.0");
        assertThat(dealer.notDealtToOthers()).isEqualTo(6);
        // near the end nothing is kept in stock, and that is not the end yet
        Dealer.Hand none = dealer.deal(0, 0, 2);
        assertThat(none.work()).isEmpty();
        assertThat(none.over()).isFalse();
        Dealer.Hand last = dealer.deal(1, 5, 0);
        assertThat(rows(last)).containsExactly("7.0", "8.0", "9.0");
        assertThat(last.over()).isTrue();
        assertThat(dealer.deal(0, 1, 0)).isEqualTo(new Dealer.Hand(List.of(), true));
    }

    @Test
    void deal_farFromTheEnd_givesSomeAhead() throws IOException {
        assertThat(rows(dealer(100, 2, false, 1).deal(0, 4, 8))).hasSize(12);
    }

    @Test
    void deal_inBlocks_keepsToTheShares() throws IOException {
        for (boolean pipe : new boolean[]{false, true}) {
            Dealer dealer = pipe
                    ? new Dealer(Prompts.survey("-", stream(2000), true, 1, row -> row), 3, true, 1,
                            JournalIndex.read(dir))
                    : dealer(2000, 3, true, 1);
            assertThat(rows(dealer.deal(2, 2, 0))).containsExactly("1334.0", "1335.0");
            Dealer.Hand first = dealer.deal(0, 2000, 0);
            assertThat(rows(first)).hasSize(667).startsWith("0.0").endsWith("666.0");
            assertThat(first.over()).isTrue();
            assertThat(rows(dealer.deal(1, 1, 0))).containsExactly("667.0");
        }
    }

    private static ByteArrayInputStream stream(int prompts) {
        return new ByteArrayInputStream(text(prompts).getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void deal_samplesOfOnePrompt_goToSeveralRanks() throws IOException {
        Dealer dealer = dealer(2, 2, false, 5);
        assertThat(rows(dealer.deal(0, 3, 0))).containsExactly("0.0", "0.1", "0.2");
        assertThat(rows(dealer.deal(1, 4, 0))).containsExactly("0.3", "0.4", "1.0", "1.1");
        assertThat(rows(dealer.deal(0, 9, 0))).containsExactly("1.2", "1.3", "1.4");
    }

    @Test
    void deal_rowsThatSayHowManySamples_getSoMany() throws IOException {
        for (boolean pipe : new boolean[]{false, true}) {
            String input = """
                    {"prompt": "a", "num_samples": 3}
                    {"prompt": "b"}
                    {"prompt": "c", "num_samples": 1}
                    """;
            Path file = Files.writeString(dir.resolve("n.jsonl"), input);
            Prompts prompts = Prompts.survey(pipe ? "-" : file.toString(),
                    new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)), false, 2, row -> row);
            assertThat(prompts.results()).hasValue(6);
            Dealer dealer = new Dealer(prompts, 2, false, 2, JournalIndex.read(dir));
            assertThat(rows(dealer.deal(0, 2, 0))).containsExactly("0.0", "0.1");
            assertThat(dealer.notDealtToOthers()).isEqualTo(6);
            assertThat(rows(dealer.deal(1, 3, 0))).containsExactly("0.2", "1.0", "1.1");
            Dealer.Hand last = dealer.deal(0, 2, 0);
            assertThat(rows(last)).containsExactly("2.0");
            assertThat(last.over()).isTrue();
            assertThat(dealer.prompts()).isEqualTo(3);
            assertThat(dealer.results()).isEqualTo(6);
        }
    }

    @Test
    void deal_afterADeath_leavesOutTheSamplesThatAreDone() throws IOException {
        Files.writeString(dir.resolve("rank-0.jsonl"), """
                {"run":1}
                {"start":[0,0,0,1,0,2,1,0,1,1]}
                {"index":0,"sample":1,"prompt_tokens":3}
                {"index":1,"sample":0,"prompt_tokens":3}
                {"stop":true}
                """);
        Path file = Files.writeString(dir.resolve("n.jsonl"),
                "{\"prompt\": \"a\", \"num_samples\": 3}\n{\"prompt\": \"b\", \"num_samples\": 4}\n");
        Dealer dealer = new Dealer(Prompts.survey(file.toString(), null, false, 1, row -> row), 1, false, 1,
                JournalIndex.read(dir));
        assertThat(dealer.notDealtToOthers()).isEqualTo(5);
        assertThat(rows(dealer.deal(0, 9, 0))).containsExactly("0.0", "0.2", "1.1", "1.2", "1.3");
    }

    @Test
    void deal_pipe_endsWhereItEnds() throws IOException {
        Dealer dealer = new Dealer(Prompts.survey("-", stream(1500), false, 1, row -> row), 2, false, 1,
                JournalIndex.read(dir));
        assertThat(rows(dealer.deal(0, 1400, 0))).hasSize(1400);
        Dealer.Hand rest = dealer.deal(1, 200, 64);
        assertThat(rows(rest)).hasSize(100).endsWith("1499.0");
        assertThat(rest.over()).isTrue();
        assertThat(dealer.prompts()).isEqualTo(1500);
    }

    @Test
    void deal_afterDeaths_leavesOutWhatIsDoneAndKeepsSuspectsForTheEnd() throws IOException {
        Files.writeString(dir.resolve("rank-0.jsonl"), """
                {"run":1}
                {"start":[0,0,1,0,2,0]}
                {"index":1,"sample":0,"prompt_tokens":3}
                {"run":2}
                {"start":[2,0]}
                """);
        Dealer dealer = dealer(5, 1, false, 1);
        Dealer.Hand hand = dealer.deal(0, 9, 0);
        assertThat(rows(hand)).containsExactly("2.0 aside", "3.0", "4.0");
        assertThat(hand.over()).isFalse();
        assertThat(hand.work().get(0).prompt().text()).isEqualTo("\"prompt 2\"");
        Dealer.Hand alone = dealer.deal(0, 9, 0);
        assertThat(rows(alone)).containsExactly("0.0 alone");
        assertThat(alone.over()).isTrue();
    }
}
