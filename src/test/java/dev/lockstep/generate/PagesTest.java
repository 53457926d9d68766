package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.model.DType;
import dev.lockstep.replica.Team;
import dev.lockstep.torch.Device;
import dev.lockstep.world.Worlds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A cache of pages of any size, too few of them, and prompts that begin alike. */
class PagesTest {
    @TempDir
    private Path scratch;

    /** The longest golden row has some 60 tokens, so of ten rows at a time most must give way. */
    @ParameterizedTest(name = "{0}")
    @LongRun(butFor = {1, 6, 7, 14})
    @MethodSource("dev.lockstep.fixtures.Golden#checkpoints")
    void generate_oddPagesAndTooFew_equalsTransformers(String family) {
        JsonNode cases = Golden.expected(family).get("cases");
        List<Request> requests = Golden.requests(cases, SamplingParams.greedy(40, List.of()));
        int longest = requests.stream().mapToInt(request -> request.promptIds().length + 40).max().orElseThrow();
        try (Generator generator = generator(family)) {
            for (int pageTokens : new int[]{1, 7, 16}) {
                generator.cacheRow(longest, pageTokens);
                // one of them with prompts in pieces
                generator.prefillTokens(pageTokens == 7 ? 5 : 2048);
                for (Completion completion : generator.generate(requests, 10)) {
                    assertThat(completion.tokenIds()).as("prompt %d, pages of %d", completion.index(), pageTokens)
                            .isEqualTo(Golden.ints(cases.get(completion.index()).get("greedy_ids")));
                }
            }
        }
    }

    /** Two ranks that compute together share nothing but sums: each has pages of its own, which go the same ways. */
    @ParameterizedTest(name = "{0}")
    @LongRun(butFor = 2)
    @ValueSource(strings = {"llama-gqa", "mistral-sliding", "gemma3"})
    void generate_byTwoRanksInOddPages_equalsTransformers(String family) {
        JsonNode cases = Golden.expected(family).get("cases");
        List<Request> requests = Golden.requests(cases, SamplingParams.greedy(40, List.of()));
        int longest = requests.stream().mapToInt(request -> request.promptIds().length + 40).max().orElseThrow();
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer(family, scratch));
        Worlds.each(2, world -> {
            try (Generator generator = Generator.load(checkpoint, Device.CPU, DType.FLOAT32, Acceleration.FULL,
                    Team.of(world, 2, Device.CPU), bytes -> {
                    })) {
                generator.cacheRow(longest, 7);
                generator.prefillTokens(5);
                for (Completion completion : generator.generate(requests, 10)) {
                    assertThat(completion.tokenIds()).as("prompt %d", completion.index())
                            .isEqualTo(Golden.ints(cases.get(completion.index()).get("greedy_ids")));
                }
            }
        });
    }

    /** The rank with the least memory decides for both. */
    @Test
    void autoBatchSize_ofTwoRanksOfWhichOneHasLessMemory_isTheSmallerOne() {
        JsonNode cases = Golden.expected("llama-gqa").get("cases");
        List<Request> requests = Golden.requests(cases, SamplingParams.greedy(40, List.of()));
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer("llama-gqa", scratch));
        List<Integer> sizes = Worlds.run(2, world -> {
            try (Generator generator = Generator.load(checkpoint, Device.CPU, DType.FLOAT32, Acceleration.FULL,
                    Team.of(world, 2, Device.CPU), bytes -> {
                    })) {
                generator.cachePages(world.rank() == 0 ? 10_000 : 10, 16);
                int size = generator.autoBatchSize(requests, requests.size());
                for (Completion completion : generator.generate(requests, size)) {
                    assertThat(completion.tokenIds())
                            .isEqualTo(Golden.ints(cases.get(completion.index()).get("greedy_ids")));
                }
                return size;
            }
        });
        // a row takes up to 4 pages
        assertThat(sizes.get(0)).isEqualTo(sizes.get(1)).isBetween(2, 5);
    }

    /** Rows that stop before they are allowed to lead to more rows at a time, until these want more than there is. */
    @Test
    void generate_forecastThatIsWrong_interruptsTheYoungestAndGivesTheSameText() {
        Random random = new Random(1);
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            SamplingParams params = SamplingParams.builder(i < 15 ? 90 : 60).temperature(1).seed(7)
                    .repetitionPenalty(1.1).logprobs(2).eosTokenIds(i < 15 ? ends() : List.of()).build();
            requests.add(new Request(i, 0, random.ints(4, 3, 4000).toArray(), params));
        }
        try (Generator generator = generator("llama-gqa")) {
            List<Completion> roomy = generator.generate(requests, 20);
            assertThat(generator.cacheUse().interruptions()).isZero();
            generator.cachePages(90, 4);
            List<Completion> tight = generator.generate(requests, 20);
            assertThat(generator.cacheUse().interruptions()).isPositive();
            for (int i = 0; i < requests.size(); i++) {
                assertThat(tight.get(i).tokenIds()).as("row %d", i).isEqualTo(roomy.get(i).tokenIds());
                assertThat(tight.get(i).logprobs()).hasSameSizeAs(roomy.get(i).logprobs());
                assertThat(tight.get(i).finishReason()).isEqualTo(roomy.get(i).finishReason());
            }
            assertThat(generator.availablePages()).isEqualTo(90);
        }
    }

    /** A quarter of the vocabulary. */
    private static List<Integer> ends() {
        List<Integer> ends = new ArrayList<>();
        for (int token = 0; token < 4096; token += 8) {
            ends.add(token);
        }
        return ends;
    }

    @Test
    void generate_rowLargerThanTheCache_isThatRowsError() {
        List<Request> requests = List.of(request(0, 5, 5), request(1, 70, 5), request(2, 5, 90), request(3, 9, 9));
        try (Generator generator = generator("llama-gqa")) {
            generator.cachePages(8, 4);
            List<Completion> alone = new ArrayList<>();
            OrderedCompletions ordered = new OrderedCompletions(requests, (rows, tokens) -> {
            });
            generator.generate(ordered, 4, ordered);
            alone.addAll(ordered.completions());
            assertThat(alone).extracting(Completion::error).containsExactly(null, tooLong(), tooLong(), null);
        }
    }

    private static String tooLong() {
        return "the device's memory has room for the keys and values of 32 tokens, and this row has more";
    }

    @Test
    void generate_promptsThatBeginAlike_computeTheBeginningOnce() {
        int[] beginning = new Random(5).ints(100, 3, 4000).toArray();
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            int[] prompt = Arrays.copyOf(beginning, 100 + 1 + i % 5);
            Arrays.fill(prompt, 100, prompt.length, 5 + i);
            requests.add(new Request(i, 0, prompt, SamplingParams.greedy(12, List.of())));
        }
        try (Generator generator = generator("qwen3")) {
            List<Completion> apart = new ArrayList<>();
            for (Request request : requests) {
                // a cache of its own
                generator.cachePages(Integer.MAX_VALUE, 16);
                apart.addAll(generator.generate(List.of(request), 1));
            }
            assertThat(generator.cacheUse().sharedTokens()).isZero();
            generator.cachePages(Integer.MAX_VALUE, 16);
            long before = generator.cacheUse().computedTokens();
            List<Completion> together = generator.generate(requests, 8);
            assertThat(together).extracting(Completion::tokenIds)
                    .containsExactlyElementsOf(apart.stream().map(Completion::tokenIds).toList());
            assertThat(generator.cacheUse().sharedTokens()).as("96 tokens are whole pages").isEqualTo(29 * 96);
            assertThat(generator.cacheUse().computedTokens() - before)
                    .isEqualTo(requests.stream().mapToInt(each -> each.promptIds().length).sum() - 29 * 96);
        }
    }

    /** One row of each kind goes first, whoever stands behind it, and the others follow together. */
    @Test
    void generate_kindsInTurn_takesTwoPasses() {
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            int[] prompt = request(i / 3, 40, 1).promptIds();
            prompt[39] = 4000 + i;
            requests.add(new Request(i, 0, prompt, SamplingParams.greedy(1, List.of())));
        }
        List<Integer> passes = new ArrayList<>();
        try (Generator generator = generator("llama-gqa")) {
            generator.cachePages(Integer.MAX_VALUE, 16);
            generator.beforeDecoding(passes::add);
            assertThat(generator.generate(requests, 24)).extracting(Completion::error).containsOnlyNulls();
            assertThat(generator.cacheUse().sharedTokens()).isEqualTo(16 * 32);
        }
        assertThat(passes).as("rows at each").containsExactly(8, 16);
    }

    /** An exception of the listener's ends a run in the middle; the next one finds all pages free, and the same text. */
    @Test
    void generate_afterARunThatBrokeOff_hasAllPages() {
        List<Request> requests = List.of(request(0, 20, 9), request(1, 30, 9), request(2, 25, 9));
        try (Generator generator = generator("llama-gqa")) {
            generator.cachePages(Integer.MAX_VALUE, 4);
            List<Completion> whole = generator.generate(requests, 3);
            int free = generator.availablePages();
            assertThatThrownBy(() -> generator.generate(requests, 3, (rows, tokens) -> {
                if (tokens > 6) {
                    throw new IllegalStateException("enough");
                }
            })).hasMessage("enough");
            assertThat(generator.availablePages()).isEqualTo(free);
            assertThat(generator.generate(requests, 3)).extracting(Completion::tokenIds)
                    .containsExactlyElementsOf(whole.stream().map(Completion::tokenIds).toList());
        }
    }

    /** Random workloads: every row ends with the text it has alone, and no page is lost. */
    @Test
    void generate_randomWork_endsEveryRowWithItsText() {
        try (Generator generator = generator("llama-gqa"); Generator alone = generator("llama-gqa")) {
            for (int seed = 0; seed < 60; seed++) {
                Random random = new Random(seed);
                int pageTokens = 1 + random.nextInt(9);
                int most = 0;
                List<Request> requests = new ArrayList<>();
                for (int i = 0; i < 1 + random.nextInt(14); i++) {
                    Request request = request(random.nextInt(4), 1 + random.nextInt(40), 1 + random.nextInt(30));
                    requests.add(new Request(i, 0, request.promptIds(), request.params()));
                    most = Math.max(most, request.promptIds().length + request.params().maxNewTokens());
                }
                int pages = most / pageTokens + 1 + random.nextInt(20);
                generator.cachePages(pages, pageTokens);
                generator.prefillTokens(1 + random.nextInt(60));
                List<Completion> together = generator.generate(requests, 1 + random.nextInt(8));
                assertThat(generator.availablePages()).as("seed %d", seed).isLessThanOrEqualTo(pages)
                        .isGreaterThanOrEqualTo(most / pageTokens);
                List<Completion> each = alone.generate(requests, 1);
                assertThat(together).as("seed %d", seed).extracting(Completion::error).containsOnlyNulls();
                assertThat(together).as("seed %d", seed).extracting(Completion::tokenIds)
                        .containsExactlyElementsOf(each.stream().map(Completion::tokenIds).toList());
            }
        }
    }

    /** Prompts of the same kind begin alike. */
    private static Request request(int kind, int promptTokens, int newTokens) {
        int[] prompt = new int[promptTokens];
        Arrays.setAll(prompt, i -> 3 + (i * 31 + kind * 7) % 4000);
        return new Request(kind, 0, prompt, SamplingParams.greedy(newTokens, List.of()));
    }

    private Generator generator(String family) {
        Path directory = scratch.resolve(family);
        return Generator.load(
                Checkpoint.open(directory.toFile().exists() ? directory : Golden.copyWithTokenizer(family, scratch)),
                Device.CPU, DType.FLOAT32);
    }
}
