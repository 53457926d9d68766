package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.host.Share;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What a user of the generator is promised, with the trained model. */
class GeneratorTest {
    private static final int EOS = 1;
    private static final List<String> PROMPTS = prompts();
    @AutoClose
    private static final Generator generator = Generator.load(
            Checkpoint.open(Path.of(System.getProperty("lockstep.home"), "examples/models/kjv-6m")), Device.CPU);

    private static List<String> prompts() {
        List<String> prompts = new ArrayList<>();
        for (JsonNode golden : Golden.expected("llama-gqa").get("cases")) {
            prompts.add(golden.get("prompt").asText());
        }
        return prompts;
    }

    private static SamplingParams greedy(int maxNewTokens, int minNewTokens, List<Integer> eos, String... stop) {
        return SamplingParams.builder(maxNewTokens).greedy(true).minNewTokens(minNewTokens).eosTokenIds(eos)
                .stop(List.of(stop)).build();
    }

    private static SamplingParams sampled(long seed, double penalty) {
        return SamplingParams.builder(30).temperature(0.8).topK(50).topP(0.95).minP(0.01).repetitionPenalty(penalty)
                .seed(seed).eosTokenIds(List.of(EOS)).build();
    }

    private static List<String> texts(List<Completion> completions) {
        return completions.stream().map(Completion::text).toList();
    }

    @Test
    void complete_sampled_isTheSameForEveryBatchSize() {
        List<String> alone = texts(generator.complete(PROMPTS, sampled(7, 1.3), 1));
        assertThat(texts(generator.complete(PROMPTS, sampled(7, 1.3), 5))).isEqualTo(alone);
        assertThat(texts(generator.complete(PROMPTS, sampled(7, 1.3), 16))).isEqualTo(alone);
        assertThat(texts(generator.complete(PROMPTS, sampled(8, 1.3), 16))).doesNotContainAnyElementsOf(alone);
    }

    /** As ranks do that complete their shares: the text must not depend on how many of them there are. */
    @Test
    void complete_sampledShares_haveTheTextsOfTheWholeList() {
        List<Completion> whole = generator.complete(PROMPTS, sampled(7, 1.3), 5);
        List<Completion> parts = new ArrayList<>(generator.complete(Share.of(PROMPTS, 0, 3), sampled(7, 1.3), 5));
        parts.addAll(generator.complete(Share.of(PROMPTS, 3, 8), sampled(7, 1.3), 5));
        parts.addAll(generator.complete(PROMPTS.subList(8, 10), sampled(7, 1.3), 5, 8));
        assertThat(texts(parts)).isEqualTo(texts(whole));
        assertThat(parts).map(Completion::index).isEqualTo(IntStream.range(0, 10).boxed().toList());
    }

    @Test
    @LongRun
    void complete_sampledInPieces_isTheSameForEveryBatchSize() {
        List<String> whole = texts(generator.complete(PROMPTS, sampled(7, 1.3), 16));
        for (int passTokens : new int[]{1, 5, 9}) {
            generator.prefillTokens(passTokens);
            for (int batchSize : new int[]{1, 3, 10}) {
                assertThat(texts(generator.complete(PROMPTS, sampled(7, 1.3), batchSize)))
                        .as("%d tokens a pass, batch size %d", passTokens, batchSize).isEqualTo(whole);
            }
        }
        generator.prefillTokens(2048);
    }

    /** Rows of very different parameters and lengths share a batch; each must come out as it does alone. */
    @Test
    void generate_mixedRows_equalEachRowAlone() {
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            SamplingParams params = switch (i % 5) {
                case 0 -> greedy(3 + i, 0, List.of(EOS));
                case 1 -> sampled(i, 1);
                case 2 -> sampled(i, 1.5);
                case 3 -> SamplingParams.builder(5).temperature(1.5).seed(i).ignoreEos(true).build();
                default -> greedy(40, 12, List.of(EOS, 16), "the");
            };
            int[] ids = generator.tokenizer().encode(PROMPTS.get(i % 10), true);
            requests.add(new Request(i, i % 3, ids, params));
        }
        List<Completion> together = generator.generate(requests, 6);
        for (int i = 0; i < requests.size(); i++) {
            Completion alone = generator.generate(List.of(requests.get(i)), 1).get(0);
            assertThat(together.get(i).tokenIds()).as("row %d", i).isEqualTo(alone.tokenIds());
            assertThat(together.get(i).text()).isEqualTo(alone.text());
            assertThat(together.get(i).finishReason()).isEqualTo(alone.finishReason());
        }
    }

    @Test
    void complete_samplesOfOnePrompt_differ() {
        int[] ids = generator.tokenizer().encode(PROMPTS.get(0), true);
        List<Request> requests = List.of(new Request(0, 0, ids, sampled(0, 1)), new Request(0, 1, ids, sampled(0, 1)),
                new Request(1, 0, ids, sampled(0, 1)));
        List<Completion> completions = generator.generate(requests, 3);
        assertThat(texts(completions)).doesNotHaveDuplicates();
    }

    @Test
    void complete_stopString_cutsExactlyBeforeIt() {
        for (Completion free : generator.complete(PROMPTS, greedy(40, 0, List.of()), 10)) {
            // ends in the middle of a word and so within or across tokens
            String stop = free.text().substring(11, 19);
            String prompt = PROMPTS.get(free.index());
            Completion stopped = generator.complete(List.of(prompt), greedy(40, 0, List.of(), "never", stop), 1).get(0);
            assertThat(stopped.text()).isEqualTo(free.text().substring(0, free.text().indexOf(stop)));
            assertThat(stopped.finishReason()).isEqualTo(FinishReason.STOP);
            assertThat(stopped.tokenIds().length).isLessThan(40);
        }
    }

    @Test
    void complete_minNewTokens_holdsEndTokensBack() {
        int comma = generator.tokenizer().encode(",", false)[0];
        for (Completion early : generator.complete(PROMPTS, greedy(200, 0, List.of(EOS, comma)), 10)) {
            assertThat(early.finishReason()).isEqualTo(FinishReason.EOS);
            assertThat(early.tokenIds()[early.tokenIds().length - 1]).isIn(EOS, comma);
            assertThat(early.text()).doesNotEndWith(",");
        }
        for (Completion late : generator.complete(PROMPTS, greedy(200, 25, List.of(EOS, comma)), 10)) {
            assertThat(late.tokenIds().length).isGreaterThan(25);
            for (int i = 0; i < 25; i++) {
                assertThat(late.tokenIds()[i]).isNotIn(EOS, comma);
            }
        }
    }

    @Test
    void generate_rowsThatCannotBe_failAloneAndTheOthersRun() {
        SamplingParams params = greedy(50, 0, List.of());
        int[] full = new int[1024];
        int[] nearlyFull = new int[1020];
        List<Completion> completions = generator.generate(List.of(new Request(0, 0, new int[0], params),
                new Request(1, 0, full, params), new Request(2, 0, nearlyFull, params),
                new Request(3, 0, new int[]{4096}, params), new Request(4, 0, new int[]{5}, params)), 2);
        assertThat(completions.get(0).error()).isEqualTo("the prompt has no tokens");
        assertThat(completions.get(1).error()).contains("1024 tokens").contains("context of 1024");
        assertThat(completions.get(1).finishReason()).isEqualTo(FinishReason.ERROR);
        assertThat(completions.get(2).tokenIds()).hasSize(4);
        assertThat(completions.get(2).finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(completions.get(3).error()).contains("vocabulary of 4096");
        assertThat(completions.get(4).tokenIds()).hasSize(50);
    }

    @Test
    void generate_longPromptsBeyondOnePrefillPass_equalEachAlone() {
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int[] ids = new int[900 + i];
            for (int j = 0; j < ids.length; j++) {
                ids[j] = 3 + (j * 31 + i) % 4000;
            }
            requests.add(new Request(i, 0, ids, greedy(5, 0, List.of())));
        }
        List<Completion> together = generator.generate(requests, 4);
        for (Request request : requests) {
            assertThat(together.get(request.index()).tokenIds())
                    .isEqualTo(generator.generate(List.of(request), 1).get(0).tokenIds());
        }
    }

    @Test
    void generate_progress_endsAtAllRowsAndAllTokens() {
        List<int[]> seen = new ArrayList<>();
        List<Request> requests = new ArrayList<>();
        for (String prompt : PROMPTS) {
            requests.add(new Request(requests.size(), 0, generator.tokenizer().encode(prompt, true),
                    greedy(4, 0, List.of())));
        }
        generator.generate(requests, 3, (rows, tokens) -> seen.add(new int[]{rows, (int) tokens}));
        assertThat(seen.get(seen.size() - 1)).containsExactly(10, 40);
        assertThat(generator.generate(List.of(), 3)).isEmpty();
    }

    @Test
    void samplingParams_outOfRange_nameTheValue() {
        assertThatThrownBy(() -> SamplingParams.builder(1).temperature(0).build())
                .hasMessageContaining("temperature must be above 0");
        assertThatThrownBy(() -> SamplingParams.builder(1).greedy(true).topP(1.5).build())
                .hasMessageContaining("top-p").hasMessageContaining("1.5");
        assertThatThrownBy(() -> greedy(0, 0, List.of())).hasMessageContaining("max-new-tokens");
        assertThatThrownBy(() -> greedy(5, 6, List.of())).hasMessageContaining("min-new-tokens");
    }
}
