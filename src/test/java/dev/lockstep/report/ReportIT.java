package dev.lockstep.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Browser;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.Runs;

import static org.assertj.core.api.Assertions.assertThat;

/** The page that a real job leaves. */
class ReportIT {
    @TempDir
    private Path temp;

    @Test
    void htmlReport_ofTwoRanksAndABrokenRow_showsThemInABrowser() throws IOException {
        List<String> prompts = new ArrayList<>(IntStream.range(0, 39)
                .mapToObj(i -> "{\"prompt\": \"In the beginning\", \"max_tokens\": " + (10 + i) + "}").toList());
        prompts.set(20, "{\"prompt\": \"<script>alert(1)</script>\", \"id\": \"<b>\", \"max_tokens\": 400}");
        prompts.add("{\"prompt\": 7}");
        Files.write(temp.resolve("p.jsonl"), prompts);
        Launched.Result result = Runs.generate(2, temp, "--prompts", "p.jsonl", "--report", "r.html", "--greedy",
                "--ignore-eos", "--batch-size", "4", "--stop", "</style>").run();
        assertThat(result.exitCode()).isEqualTo(3);
        String html = Files.readString(temp.resolve("r.html"));
        for (JsonNode frame : Browser.look(temp, Map.of("real", html), false, 360, 1400)) {
            assertThat(frame.get("problems")).isEmpty();
            assertThat(frame.get("foreign").asInt()).isZero();
            assertThat(List.of(frame.get("strips").asInt(), frame.get("loads").asInt(), frame.get("decodes").asInt(),
                    frame.get("ranks").asInt())).containsOnly(2);
            assertThat(frame.get("rate").asInt()).isOne();
            assertThat(texts(frame, "slowest")).hasSize(20).first().isEqualTo("<script>alert(1)</script>");
            assertThat(texts(frame, "failures")).containsExactly("1line 40: prompt must be a string, not 7");
            // what the rows were told to do: 10 to 48 tokens, one of them 400 instead of 30
            assertThat(texts(frame, "figures"))
                    .contains(String.format("%,dnew tokens", IntStream.range(10, 49).sum() + 370),
                            "1failed row")
                    .hasSize(6);
            assertThat(texts(frame, "settings")).contains("model", "split", "temperature", "max new tokens", "stop");
        }
    }

    private static List<String> texts(JsonNode frame, String field) {
        return StreamSupport.stream(frame.get(field).spliterator(), false).map(JsonNode::asText).toList();
    }
}
