package dev.lockstep.decoder.shard;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.ExpectedTensor;
import dev.lockstep.checkpoint.ModelWeight;
import dev.lockstep.checkpoint.StoredType;
import dev.lockstep.checkpoint.TensorRef;
import dev.lockstep.family.Families;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ShardTest {
    static List<String> checkpoints() {
        return Golden.CHECKPOINTS;
    }

    /** What the program makes of a weight's parts has to be as large as the part's shapes say, for all weights. */
    @ParameterizedTest
    @MethodSource("checkpoints")
    void cut_partsOfEveryWeight_haveTheShapesOfThePart(String family) {
        ModelConfig config = Families.read(Golden.checkpoint(family));
        for (int size : new int[]{1, 2, 4}) {
            for (int rank = 0; rank < size; rank++) {
                Shard shard = Shard.of(config, rank, size);
                List<ModelWeight> whole = ModelWeight.of(config);
                List<ModelWeight> part = ModelWeight.of(shard.part());
                for (int i = 0; i < whole.size(); i++) {
                    int[] shape = whole.get(i).shape();
                    int rows = 0;
                    for (ExpectedTensor tensor : whole.get(i).parts()) {
                        Cut cut = shard.cut(tensor);
                        int left = cut.ranges().stream().mapToInt(Cut.Range::size).sum();
                        rows += cut.kind() == Cut.Kind.ROWS ? left : tensor.shape()[0];
                        shape[shape.length - 1] = cut.kind() == Cut.Kind.COLUMNS ? left : shape[shape.length - 1];
                    }
                    shape[0] = rows;
                    assertThat(shape).as("%s of %d, rank %d", whole.get(i).name(), size, rank)
                            .isEqualTo(part.get(i).shape());
                }
            }
        }
    }

    /** Each row or column that products are computed of is on one rank, but for a kv head's that several need. */
    @ParameterizedTest
    @CsvSource({"2, q_proj, 0 1", "2, k_proj, 0 1", "4, q_proj, 0 1 2 3", "4, k_proj, 0 0 1 1", "4, v_proj, 0 0 1 1"})
    void cut_heads_areThoseOfTheRank(int size, String name, String firstHeads) {
        ModelConfig config = Families.read(Golden.checkpoint("llama-gqa"));
        int heads = name.equals("q_proj") ? config.heads() : config.kvHeads();
        int each = Math.max(1, heads / size) * config.headDim();
        ExpectedTensor tensor = new ExpectedTensor("model.layers.0.self_attn." + name + ".weight",
                new int[]{heads * config.headDim(), config.hidden()});
        assertThat(IntStream.range(0, size).mapToObj(rank -> Shard.of(config, rank, size).cut(tensor)))
                .containsExactlyElementsOf(Arrays.stream(firstHeads.split(" ")).map(Integer::parseInt)
                        .map(head -> Cut.rows(new Cut.Range(head * each, (head + 1) * each))).toList());
    }

    @Test
    void of_rows_areBytesOfTheFile() {
        ModelConfig config = Families.read(Golden.checkpoint("phi3"));
        TensorRef stored = Checkpoint.open(Golden.checkpoint("phi3"))
                .tensor("model.layers.1.self_attn.qkv_proj.weight");
        int head = config.headDim();
        long row = (long) config.hidden() * stored.type().bytes();
        List<TensorRef> parts = Shard.of(config, 1, 2).cut(new ExpectedTensor(stored.name(), stored.shape()))
                .of(stored).stream().map(Cut.Piece::tensor).toList();
        // four query heads and two of keys and of values, of each of which the second rank has the latter half
        assertThat(parts).extracting(TensorRef::offset).containsExactly(stored.offset() + 2 * head * row,
                stored.offset() + 5 * head * row, stored.offset() + 7 * head * row);
        assertThat(parts).extracting(TensorRef::bytes).containsExactly(2 * head * row, head * row, head * row);
        assertThat(parts).extracting(TensorRef::type).containsOnly(StoredType.F32);
    }

    @Test
    void of_columns_areThoseOfTheFile() throws IOException {
        ModelConfig config = Families.read(Golden.checkpoint("llama-gqa"));
        TensorRef stored = Checkpoint.open(Golden.checkpoint("llama-gqa"))
                .tensor("model.layers.1.mlp.down_proj.weight");
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(stored.file())).order(ByteOrder.LITTLE_ENDIAN);
        int width = config.intermediate() / 4;
        for (int rank = 0; rank < 4; rank++) {
            Cut.Piece piece = Shard.of(config, rank, 4).cut(new ExpectedTensor(stored.name(), stored.shape()))
                    .of(stored).get(0);
            assertThat(piece.tensor().shape()).containsExactly(config.hidden(), width);
            assertThat(piece.tensor().bytes()).isEqualTo((long) config.hidden() * width * Float.BYTES);
            for (int row = 0; row < config.hidden(); row++) {
                for (int column = 0; column < width; column++) {
                    long at = piece.tensor().offset() + row * piece.stride() + (long) column * Float.BYTES;
                    long whole = stored.offset()
                            + ((long) row * config.intermediate() + rank * width + column) * Float.BYTES;
                    assertThat(file.getFloat((int) at)).isEqualTo(file.getFloat((int) whole));
                }
            }
        }
    }

    @Test
    void firstToken_vocabularyThatDoesNotDivide_hasEveryTokenOnce() {
        ModelConfig config = Families.read(Golden.checkpoint("llama-gqa"));
        for (int vocabulary : new int[]{1, 2, 3, 4, 5, 15, 16, 17, 49, 63, 64, 65, 4096, 32001}) {
            ModelConfig other = config.part(1, config.heads(), config.kvHeads(), vocabulary);
            if (vocabulary < 4) {
                assertThatThrownBy(() -> Shard.check(other, 4)).isInstanceOf(ModelException.class)
                        .hasMessageContaining("its vocabulary of " + vocabulary + " cannot be divided");
                continue;
            }
            int next = 0;
            for (int rank = 0; rank < 4; rank++) {
                Shard shard = Shard.of(other, rank, 4);
                assertThat(shard.firstToken()).isEqualTo(next);
                next += shard.part().vocabulary();
            }
            assertThat(next).isEqualTo(vocabulary);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "llama-gqa | 3 | this llama cannot be computed by 3 ranks together, among whom its 4 attention heads cannot be divided; give --tensor-parallel a smaller number.",
            "llama-gqa | 8 | this llama cannot be computed by 8 ranks together, among whom its 4 attention heads cannot be divided; give --tensor-parallel a smaller number."})
    void check_whatCannotBeDivided_isRefused(String family, int size, String sentence) {
        ModelConfig config = Families.read(Golden.checkpoint(family));
        assertThatThrownBy(() -> Shard.check(config, size)).isInstanceOf(ModelException.class).hasMessage(sentence);
    }
}
