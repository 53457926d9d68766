package dev.lockstep.batch;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.Runs;
import dev.lockstep.tokenizer.Tokenizer;

import static dev.lockstep.fixtures.Runs.rows;
import static org.assertj.core.api.Assertions.assertThat;

/** Rows that begin alike, as several ranks do them: each beginning is computed once, and no text changes. */
class GroupsIT {
    private static final int GROUPS = 6;
    private static final List<String> OWN = List.of(" And", " But", " For", " In", " The", " Then", " When", " Now",
            " He", " They");
    private static final String[] OPTIONS = {"--max-new-tokens", "12", "--temperature", "0.8", "--ignore-eos",
            "--report", "r.json"};

    @TempDir
    private Path temp;
    private final List<String> prompts = new ArrayList<>();

    /** Six groups of ten rows, as far apart as they can be. */
    @BeforeEach
    void writePrompts() {
        List<String> lines = Runs.firstLines();
        for (String own : OWN) {
            for (int group = 0; group < GROUPS; group++) {
                String beginning = OWN.get(group).strip() + " " + String.join(" ", lines.subList(0, 5));
                prompts.add(beginning + own + " it was " + own.length());
            }
        }
        Runs.prompts(temp.resolve("prompts.jsonl"), prompts);
    }

    private static String[] with(String... more) {
        List<String> all = new ArrayList<>(List.of(OPTIONS));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private static long computed(Path report) {
        long computed = 0;
        for (JsonNode rank : Runs.json(report).get("ranks")) {
            computed += rank.at("/prompting/computed_tokens").asLong();
        }
        return computed;
    }

    /** Tokens to compute when each beginning is computed so often. */
    private long plain(int times) {
        long tokens = 0;
        try (Tokenizer tokenizer = Tokenizer.load(Runs.KJV)) {
            for (int group = 0; group < GROUPS; group++) {
                List<int[]> ids = new ArrayList<>();
                for (int row = group; row < prompts.size(); row += GROUPS) {
                    ids.add(tokenizer.encode(prompts.get(row), true));
                }
                int alike = Arrays.mismatch(ids.get(0), ids.get(1));
                tokens += (long) times * alike + ids.stream().mapToInt(row -> row.length - alike).sum();
            }
        }
        return tokens;
    }

    private static List<JsonNode> withoutRank(List<JsonNode> rows) {
        rows.forEach(row -> ((ObjectNode) row).remove("rank"));
        return rows;
    }

    @Test
    @LongRun
    void groupsFarApart_severalRanks_eachBeginningIsComputedOnce() {
        Runs.succeed(1, temp, with("--prompts", "prompts.jsonl", "--output", "alone.jsonl"));
        assertThat(computed(temp.resolve("r.json"))).isEqualTo(plain(1));
        Runs.succeed(2, temp, with("--prompts", "prompts.jsonl", "--output", "two.jsonl"));
        assertThat(computed(temp.resolve("r.json"))).isEqualTo(plain(1));
        List<JsonNode> two = rows(temp.resolve("two.jsonl"));
        assertThat(Runs.field(two, "prompt")).isEqualTo(prompts);
        for (int row = GROUPS; row < prompts.size(); row++) {
            assertThat(two.get(row).get("rank")).as("row %d", row).isEqualTo(two.get(row % GROUPS).get("rank"));
        }
        assertThat(Runs.sum(two, "rank")).as("rows of rank 1").isEqualTo(30);
        List<JsonNode> alone = withoutRank(rows(temp.resolve("alone.jsonl")));
        assertThat(withoutRank(two)).isEqualTo(alone);

        // the first half of each group is one rank's, the second the other's
        Runs.succeed(2, temp, with("--prompts", "prompts.jsonl", "--output", "blocks.jsonl", "--split", "block"));
        assertThat(computed(temp.resolve("r.json"))).isEqualTo(plain(2));
        assertThat(withoutRank(rows(temp.resolve("blocks.jsonl")))).isEqualTo(alone);

        Launched.Result piped = Runs.generate(2, temp, with("--prompts", "-", "--output", "piped.jsonl"))
                .input(String.join("\n", Runs.lines(temp.resolve("prompts.jsonl")))).run();
        assertThat(piped.stderr()).isEmpty();
        assertThat(piped.exitCode()).isZero();
        assertThat(computed(temp.resolve("r.json"))).isEqualTo(plain(1));
        assertThat(withoutRank(rows(temp.resolve("piped.jsonl")))).isEqualTo(alone);
    }

    @Test
    void samples_severalRanks_thoseOfAPromptAreOneRanks() {
        Runs.prompts(temp.resolve("six.jsonl"), prompts.subList(0, 6));
        Runs.succeed(2, temp, with("--prompts", "six.jsonl", "--num-samples", "5"));
        List<JsonNode> rows = rows(temp.resolve("results.jsonl"));
        assertThat(rows).hasSize(30);
        for (int row = 0; row < 30; row++) {
            assertThat(rows.get(row).get("rank")).as("sample %d", row).isEqualTo(rows.get(row / 5 * 5).get("rank"));
        }
        assertThat(Runs.sum(rows, "rank")).as("samples of rank 1").isEqualTo(15);
        // all but the last token of a prompt is what its samples begin with
        long own = 6 * 4;
        long all = 0;
        try (Tokenizer tokenizer = Tokenizer.load(Runs.KJV)) {
            for (String prompt : prompts.subList(0, 6)) {
                all += tokenizer.encode(prompt, true).length;
            }
        }
        assertThat(computed(temp.resolve("r.json"))).isEqualTo(all + own);
    }
}
