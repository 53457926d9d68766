package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.replica.Team;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.OutOfDeviceMemoryException;
import dev.lockstep.world.Worlds;

import static org.assertj.core.api.Assertions.assertThat;

/** Memory that one of the ranks lacks that compute a model together; ranks are threads. */
@Timeout(120)
class OutOfMemoryTogetherTest {
    private static final int FIT = 3;

    @TempDir
    private Path scratch;

    @Test
    void generate_passThatOneRankHasNoMemoryFor_isMadeOfFewerRowsByAll() {
        JsonNode cases = Golden.expected("llama-gqa").get("cases");
        SamplingParams params = SamplingParams.builder(40).greedy(true).eosTokenIds(List.of()).build();
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer("llama-gqa", scratch));
        List<Integer> most = Worlds.run(2, world -> {
            AtomicInteger rows = new AtomicInteger();
            try (Generator generator = Generator.load(checkpoint, Device.CPU, DType.FLOAT32, Acceleration.FULL,
                    Team.of(world, 2, Device.CPU), bytes -> {
                    })) {
                boolean small = world.rank() == 1;
                generator.beforeDecoding(at -> {
                    if (small && at > FIT) {
                        throw new OutOfDeviceMemoryException("as if of " + at + " rows", null);
                    }
                    rows.accumulateAndGet(at, Math::max);
                });
                for (Completion completion : generator.generate(Golden.requests(cases, params), 10)) {
                    assertThat(completion.error()).isNull();
                    assertThat(completion.tokenIds()).as("rank %d, prompt %d", world.rank(), completion.index())
                            .isEqualTo(Golden.ints(cases.get(completion.index()).get("greedy_ids")));
                }
            }
            return rows.get();
        });
        // the other one has tried more
        assertThat(most.get(1)).isBetween(1, FIT);
        assertThat(most.get(0)).isGreaterThan(FIT);
    }

    @Test
    void generate_rowThatOneRankHasNoMemoryForAlone_failsOnAllWhileOthersAreGenerated() {
        JsonNode cases = Golden.expected("llama-gqa").get("cases");
        SamplingParams params = SamplingParams.builder(40).greedy(true).eosTokenIds(List.of()).build();
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer("llama-gqa", scratch));
        List<String> errors = Worlds.run(2, world -> {
            try (Generator generator = Generator.load(checkpoint, Device.CPU, DType.FLOAT32, Acceleration.FULL,
                    Team.of(world, 2, Device.CPU), bytes -> {
                    })) {
                AtomicInteger passes = new AtomicInteger();
                boolean small = world.rank() == 1;
                generator.beforeDecoding(at -> {
                    if (small && passes.getAndIncrement() == 0) {
                        throw new OutOfDeviceMemoryException("as if of the first", null);
                    }
                });
                List<Completion> completions = generator.generate(Golden.requests(cases, params).subList(0, 2), 1);
                assertThat(completions.get(1).tokenIds())
                        .isEqualTo(Golden.ints(cases.get(1).get("greedy_ids")));
                return Arrays.asList(completions.get(0).error()).toString();
            }
        });
        assertThat(errors).hasSize(2).containsOnly("[the device does not have enough memory for this row even alone]");
    }
}
