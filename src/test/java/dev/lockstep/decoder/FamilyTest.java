package dev.lockstep.decoder;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.family.Families;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;
import dev.lockstep.replica.Team;
import dev.lockstep.torch.Device;
import dev.lockstep.world.Worlds;

import static org.assertj.core.api.Assertions.assertThat;

/** Small random models of families, made by {@code src/test/golden/make.py}, against what transformers computed for them. */
@Timeout(300)
class FamilyTest {
    private static final Path PAGE = Path.of(System.getProperty("lockstep.home"), "src/site/markdown/families.md");

    static List<String> families() {
        try (Stream<Path> all = Files.list(Golden.FOLDER.resolve("family"))) {
            return all.map(folder -> "family/" + folder.getFileName()).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> divisible() {
        return families().stream().filter(family -> together(Families.read(Golden.checkpoint(family)))).toList();
    }

    private static boolean together(ModelConfig config) {
        try {
            Shard.of(config, 0, 2);
            return true;
        } catch (ModelException e) {
            return false;
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("families")
    void step_greedyInFloat32_equalsTransformers(String family) {
        JsonNode cases = Golden.expected(family).get("cases");
        try (Decoder decoder = Decoder.load(Checkpoint.open(Golden.checkpoint(family)), Device.CPU, DType.FLOAT32,
                Acceleration.FULL)) {
            GoldenRows.assertCases(decoder, cases, family);
        }
    }

    @ParameterizedTest(name = "{0}")
    @LongRun(butFor = {3, 10, 13, 15, 17, 23, 30})
    @MethodSource("divisible")
    void step_twoRanksTogether_equalsTransformers(String family) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint(family));
        Worlds.each(2, world -> {
            try (Decoder decoder = Decoder.load(checkpoint, Device.CPU, DType.FLOAT32, Acceleration.FULL,
                    Team.of(world, 2, Device.CPU), bytes -> {
                    })) {
                GoldenRows.assertGreedy(decoder, Golden.expected(family).get("cases"), family);
            }
        });
    }

    /** The table of the page says of each family what is so of its golden case. */
    @Test
    void page_saysWhatIsSo() throws IOException {
        Map<String, String> expected = new TreeMap<>();
        Stream.concat(Golden.CHECKPOINTS.stream(), families().stream()).map(Golden::checkpoint).map(Families::read)
                .forEach(config -> expected.merge(config.family(), said(config),
                        (one, other) -> one.compareTo(other) > 0 ? one : other));
        Map<String, String> table = new TreeMap<>();
        Pattern.compile("(?m)^\\| `(\\w+)` \\|[^|]*\\| (yes|no) \\| (yes|no) \\|").matcher(Files.readString(PAGE))
                .results().forEach(row -> table.put(row.group(1), row.group(2) + " " + row.group(3)));
        assertThat(table).isEqualTo(expected);
        assertThat(String.join(", ", table.keySet()))
                .isEqualTo(Families.names().replace(" and ", ", "));
    }

    private static String said(ModelConfig config) {
        return (CudaLayers.fits(config, DType.BFLOAT16) ? "yes " : "no ")
                + (together(config) ? "yes" : "no");
    }
}
