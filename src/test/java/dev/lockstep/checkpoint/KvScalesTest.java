package dev.lockstep.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.family.Families;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.SafetensorsFile;
import dev.lockstep.model.ModelException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Scales for keys and values in fp8, as tools for quantizing write them. */
class KvScalesTest {
    private static final String ATTENTION = "model.layers.%d.self_attn.";
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory;

    private SafetensorsFile weights() throws IOException {
        Path golden = Golden.checkpoint("llama-gqa");
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(golden.resolve(file), directory.resolve(file));
        }
        return SafetensorsFile.read(directory.resolve("model.safetensors"));
    }

    private KvScales scales(SafetensorsFile weights) throws IOException {
        weights.write();
        return Checkpoint.open(directory).kvScales();
    }

    private int layers() {
        return Families.read(directory).layers();
    }

    @Test
    void kvScales_noneStored_areOne() {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint("llama-gqa"));

        assertThat(checkpoint.kvScales()).isEqualTo(KvScales.none(checkpoint.config().layers()));
    }

    @ParameterizedTest
    @CsvSource({"k_scale, v_scale", "k_proj.output_scale, v_proj.output_scale", "k_proj.k_scale, v_proj.v_scale"})
    void kvScales_asToolsNameThem_areTheNextPowersOf2(String keys, String values) throws IOException {
        SafetensorsFile weights = weights();
        for (int layer = 0; layer < layers(); layer++) {
            // 0.0125 + layer, and 0x3e01 is 0.126 in bfloat16
            weights.appendNumber(String.format(ATTENTION, layer) + keys, "F32",
                    Float.floatToRawIntBits(0.0125f + layer), layer % 2 == 0 ? new int[]{} : new int[]{1});
            weights.appendNumber(String.format(ATTENTION, layer) + values, "BF16", 0x3e01);
        }

        KvScales scales = scales(weights);

        assertThat(scales.keys()).startsWith(1 / 64f, 2f).hasSize(layers());
        assertThat(scales.values()).isEqualTo(Collections.nCopies(layers(), 1 / 4f));
        assertThat(Checkpoint.open(directory).unused()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"F32, 3f800000, 1", "F32, 3f800001, 2", "F32, 3f7fffff, 1", "BF16, 3f80, 1", "BF16, 4040, 4",
            // 1, 0.1, the smallest that is normal and one that is not: 3 times 2^-24
            "F16, 3c00, 1", "F16, 2e66, 0.125", "F16, 400, 0.00006103515625", "F16, 3, 0.0000002384185791015625"})
    void kvScales_anyType_areReadExactly(String dtype, String bits, float expected) throws IOException {
        SafetensorsFile weights = weights();
        for (int layer = 0; layer < layers(); layer++) {
            weights.appendNumber(String.format(ATTENTION, layer) + "kv_scale", dtype,
                    Integer.parseUnsignedInt(bits, 16));
        }

        KvScales scales = scales(weights);

        assertThat(scales.keys()).isEqualTo(Collections.nCopies(layers(), expected)).isEqualTo(scales.values());
    }

    @ParameterizedTest
    @CsvSource({"F32, 0, 0.0", "F32, bf800000, -1.0", "F32, 7fc00000, NaN", "F32, 7f800000, Infinity",
            "F16, 7c00, NaN"})
    void kvScales_noPositiveNumber_saysWhich(String dtype, String bits, String number) throws IOException {
        SafetensorsFile weights = weights();
        weights.appendNumber(String.format(ATTENTION, 0) + "k_scale", dtype, Integer.parseUnsignedInt(bits, 16));

        assertThatThrownBy(() -> scales(weights)).isInstanceOf(ModelException.class).hasMessage(
                directory.resolve("model.safetensors") + ": tensor model.layers.0.self_attn.k_scale is " + number
                        + ", and must be a positive number: leave out --kv-dtype fp8, and keys and values are kept as the model"
                        + " computes.");
    }

    @Test
    void kvScales_oneForEachHead_saysWhatIsSupported() throws IOException {
        SafetensorsFile weights = weights();
        weights.append(String.format(ATTENTION, 0) + "k_scale", "F32", 2, 1);

        assertThatThrownBy(() -> scales(weights)).isInstanceOf(ModelException.class)
                .hasMessageContaining(
                        "k_scale has dtype F32 and shape [2, 1]; supported is one number in F32, BF16 or F16");
    }

    @Test
    void kvScales_ofOneLayerOnly_saysWhichIsMissing() throws IOException {
        SafetensorsFile weights = weights();
        weights.appendNumber(String.format(ATTENTION, 0) + "k_scale", "F32", Float.floatToRawIntBits(1));

        assertThatThrownBy(() -> scales(weights)).isInstanceOf(ModelException.class)
                .hasMessageContaining("there is no scale for the values of layer 0, though others have theirs");
    }

    @ParameterizedTest
    @CsvSource({"8, float, 0.25", "8, int, 1", "4, float, 1"})
    void kvScales_ofAScheme_areForThatTypeOnly(int bits, String type, float expected) throws IOException {
        SafetensorsFile weights = weights();
        for (int layer = 0; layer < layers(); layer++) {
            weights.appendNumber(String.format(ATTENTION, layer) + "kv_scale", "F32", Float.floatToRawIntBits(0.25f));
        }
        ObjectNode config = (ObjectNode) JSON.readTree(directory.resolve("config.json").toFile());
        ObjectNode quantization = config.putObject("quantization_config").put("quant_method", "compressed-tensors");
        quantization.putObject("config_groups");
        quantization.putObject("kv_cache_scheme").put("num_bits", bits).put("type", type).put("strategy", "tensor");
        JSON.writeValue(directory.resolve("config.json").toFile(), config);

        assertThat(scales(weights).keys()).isEqualTo(Collections.nCopies(layers(), expected));
        assertThat(Checkpoint.open(directory).quantization()).isEmpty();
    }
}
