package dev.lockstep.replica;

import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.shard.ReplicaException;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Request;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;
import dev.lockstep.world.Worlds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Models that several ranks compute together, against what transformers computed; ranks are threads. */
@Timeout(300)
class TeamTest {
    @TempDir
    private Path scratch;

    static List<String> checkpoints() {
        return Golden.CHECKPOINTS;
    }

    @ParameterizedTest
    @LongRun(butFor = {5, 14})
    @MethodSource("checkpoints")
    void generate_greedyByTwoAndFour_equalsTransformersForEveryBatchSize(String family) {
        JsonNode cases = Golden.expected(family).get("cases");
        SamplingParams params = SamplingParams.builder(40).greedy(true).eosTokenIds(List.of()).build();
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer(family, scratch));
        for (int ranks : new int[]{2, 4}) {
            Worlds.each(ranks, world -> {
                Team team = Team.of(world, ranks, Device.CPU);
                try (Generator generator = Generator.load(checkpoint, Device.CPU, DType.FLOAT32, Acceleration.FULL,
                        team, bytes -> {
                        })) {
                    for (int batchSize : ranks == 2 ? new int[]{1, 3, 10} : new int[]{10}) {
                        for (Completion completion : generator.generate(Golden.requests(cases, params), batchSize)) {
                            assertThat(completion.tokenIds())
                                    .as("%s, %d ranks, batch size %d, prompt %d", family, ranks, batchSize,
                                            completion.index())
                                    .isEqualTo(Golden.ints(cases.get(completion.index()).get("greedy_ids")));
                        }
                    }
                }
            });
        }
    }

    @ParameterizedTest
    @LongRun(butFor = 3)
    @ValueSource(strings = {"llama3-rope", "mistral-sliding", "olmo2"})
    void generate_withDraftsByTwo_equalsTransformers(String family) {
        JsonNode cases = Golden.expected(family).get("cases");
        SamplingParams params = SamplingParams.builder(40).greedy(true).eosTokenIds(List.of()).build();
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer(family, scratch));
        Worlds.each(2, world -> {
            try (Generator generator = Generator.load(checkpoint, Device.CPU, DType.FLOAT32, Acceleration.FULL,
                    Team.of(world, 2, Device.CPU), bytes -> {
                    })) {
                generator.speculate();
                for (int batchSize : new int[]{1, 10}) {
                    for (Completion completion : generator.generate(Golden.requests(cases, params), batchSize)) {
                        assertThat(completion.tokenIds())
                                .as("%s, batch size %d, prompt %d", family, batchSize, completion.index())
                                .isEqualTo(Golden.ints(cases.get(completion.index()).get("greedy_ids")));
                    }
                }
                assertThat(generator.drafted().right()).isPositive().isLessThan(generator.drafted().tokens());
            }
        });
    }

    /** As if one of them had other hardware: by other random numbers. */
    @Test
    void generate_ranksThatChooseOtherTokens_isNoticed() {
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer("llama-gqa", scratch));
        assertThatThrownBy(() -> Worlds.each(2, world -> {
            SamplingParams params = SamplingParams.builder(20).temperature(1).seed(world.rank())
                    .eosTokenIds(List.of()).build();
            try (Generator generator = Generator.load(checkpoint, Device.CPU, DType.FLOAT32, Acceleration.FULL,
                    Team.of(world, 2, Device.CPU), bytes -> {
                    })) {
                generator.generate(List.of(new Request(0, 0, new int[]{5, 6, 7}, params)), 1);
            }
        })).isInstanceOf(ReplicaException.class).hasMessage("the ranks that compute the model together have chosen"
                + " different tokens, of which one would be wrong: their hardware or libraries differ or fail");
    }

    /** Two teams of two: what is told and added up stays in the team. */
    @Test
    void team_ofAWorldOfFour_isTwoNeighbours() {
        assertThat(Worlds.run(4, world -> {
            Team team = Team.of(world, 2, Device.CPU);
            return team.number() + "/" + team.count() + " rank " + team.rank() + (team.leads() ? " leads" : "")
                    + ", told " + team.told("by " + world.rank(), String.class) + ", least "
                    + team.least(10 - world.rank());
        })).containsExactly("0/2 rank 0 leads, told by 0, least 9", "0/2 rank 1, told by 0, least 9",
                "1/2 rank 0 leads, told by 2, least 7", "1/2 rank 1, told by 2, least 7");
    }
}
