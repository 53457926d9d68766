package dev.lockstep.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.SafetensorsFile;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What quantization_config may say, and what is found where its tensors are not as it says. */
class QuantizationTest {
    private static final String SUPPORTED = "supported are compressed-tensors (fp8, int8, packed int4 and int8), fp8, "
            + "fbgemm_fp8, awq, gptq and mxfp4: take such a checkpoint of this model, or the one that is not quantized, with "
            + "--quantize fp8 on a GPU for 8 bits.";
    private static final String Q_PROJ = "model.layers.0.self_attn.q_proj.";

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({"ct-fp8-channel, compressed-tensors fp8, true", "ct-fp8-tensor, compressed-tensors fp8, true",
            "ct-int8, compressed-tensors int8, false", "ct-w4a16, compressed-tensors int4, false",
            "ct-mixed, compressed-tensors int4 and int8, false", "fp8-block, fp8 fp8, false",
            "fp8-tensor, fp8 fp8, true", "awq-g32, awq int4, false", "gptq, gptq int4, false",
            "gptq-int8, gptq int8, false"})
    void open_golden_saysHowItIsQuantized(String form, String quantization, boolean fp8ByRow) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint("quantized-" + form));

        assertThat(checkpoint.quantization()).contains(quantization);
        assertThat(checkpoint.isFp8ByRow()).isEqualTo(fp8ByRow);
    }

    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void open_golden_hasAPlaceForEveryTensor(String form) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint(form));

        assertThat(checkpoint.unused()).isEmpty();
        assertThat(checkpoint.config().dtype()).isEqualTo(DType.BFLOAT16);
        assertThat(checkpoint.tensor("model.norm.weight").type()).isEqualTo(StoredType.BF16);
    }

    @Test
    void open_plain_isNotQuantized() {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint("llama-gqa"));

        assertThat(checkpoint.quantization()).isEmpty();
        assertThat(checkpoint.quantized(Q_PROJ + "weight")).isEmpty();
        assertThat(checkpoint.isFp8ByRow()).isFalse();
    }

    /** A config.json that says more than is true: what is stored decides. */
    @Test
    void open_plainWeightsUnderAQuantizationConfig_arePlain() throws IOException {
        Path copy = Golden.copy("llama-gqa", directory);
        configure(copy, "{'quant_method':'awq','bits':4,'group_size':128}");

        assertThat(Checkpoint.open(copy).quantized(Q_PROJ + "weight")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "{'bits':4}|quantization_config has no quant_method; SUPPORTED",
            "{'load_in_4bit':true}|weights quantized by bitsandbytes are not supported; SUPPORTED",
            "{'quant_method':'quark'}|weights quantized by quark are not supported; SUPPORTED",
            "{'quant_method':'torchao'}|weights quantized by torchao are not supported; SUPPORTED",
            "{'quant_method':'modelopt','quant_algo':'NVFP4'}|weights quantized by modelopt are not supported; SUPPORTED",
            "{'quant_method':'awq','version':'gemv'}|AWQ's version gemv is not supported; supported is gemm.",
            "{'quant_method':'awq','bits':8}|awq with 8 bits is not supported; supported are [4].",
            "{'quant_method':'gptq','bits':3}|gptq with 3 bits is not supported; supported are [4, 8].",
            "{'quant_method':'gptq','checkpoint_format':'marlin'}|GPTQ's checkpoint_format marlin is not supported; "
                    + "supported are gptq and gptq_v2.",
            "{'quant_method':'gptq','is_marlin_format':true}|GPTQ's checkpoint_format marlin is not supported; "
                    + "supported are gptq and gptq_v2.",
            "{'quant_method':'gptq','dynamic':{'+:x':{'bits':8}}}|quantization_config: dynamic gives layers forms of "
                    + "their own, which is not supported for gptq; take a checkpoint whose layers are quantized alike.",
            "{'quant_method':'gptq','group_size':0}|group_size must be -1 or a number of columns, not 0.",
            "{'quant_method':'fp8','weight_block_size':[128]}|weight_block_size must be two sizes, not [128].",
            "{'quant_method':'compressed-tensors'}|quantization_config: config_groups is missing.",
            "{'quant_method':'compressed-tensors','sparsity_config':{'format':'sparse-24-bitmask'}}|quantization_config: "
                    + "weights stored with holes (sparsity_config, format sparse-24-bitmask) are not supported; take the "
                    + "checkpoint that is not pruned, or one whose format is dense.",
            "{'quant_method':'compressed-tensors','transform_config':{'config_groups':{'u':{}}}}|quantization_config: "
                    + "transform_config, of weights that are rotated, is not supported; take the checkpoint that is not.",
            "{'config_groups':{'g':{'format':'nvfp4-pack-quantized','targets':['Linear'],'weights':{'num_bits':4,"
                    + "'type':'float'}}}}|compressed-tensors' format nvfp4-pack-quantized with float weights of 4 bits is "
                    + "not supported; SUPPORTED",
            "{'config_groups':{'g':{'format':'int-quantized','targets':['Linear'],'weights':{'symmetric':false}}}}|"
                    + "compressed-tensors' format int-quantized with asymmetric int weights of 8 bits is not supported; "
                    + "SUPPORTED",
            "{'config_groups':{'g':{'format':'float-quantized','targets':['re:('],'weights':{'type':'float'}}}}|"
                    + "target \"re:(\" is no regular expression.",
            "{'config_groups':{'g':{'format':'float-quantized','targets':['Linear'],'weights':{'type':'float',"
                    + "'strategy':'token'}}}}|quantization_config: strategy token is not supported for weights; supported "
                    + "are tensor, channel, group and block."})
    void open_whatIsNotSupported_isNamedWithWhatIs(String quantization, String sentence) throws IOException {
        Path copy = Golden.copy("llama-gqa", directory);
        configure(copy, quantization);

        assertThatThrownBy(() -> Checkpoint.open(copy)).isInstanceOf(ModelException.class)
                .hasMessage(copy.resolve("config.json") + ": " + sentence.replace("SUPPORTED", SUPPORTED))
                .hasMessageMatching(SentencesTest.ONE_SENTENCE);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "gptq|scales|tensor " + Q_PROJ + "scales is missing, which quantization_config in config.json calls for.",
            "gptq|qzeros|tensor " + Q_PROJ + "qzeros is missing, which quantization_config in config.json calls for.",
            "gptq|qweight|tensor " + Q_PROJ + "weight is missing.",
            "ct-w4a16-asym|weight_zero_point|tensor " + Q_PROJ
                    + "weight_zero_point is missing, which quantization_config in config.json calls for.",
            "fp8-block|weight_scale_inv|tensor " + Q_PROJ
                    + "weight_scale is missing, which quantization_config in config.json calls for."})
    void open_withoutAPart_namesIt(String form, String part, String sentence) throws IOException {
        Path copy = Golden.copy("quantized-" + form, directory);
        SafetensorsFile file = SafetensorsFile.read(copy.resolve("model.safetensors"));
        file.rename(Q_PROJ + part, "another");
        file.write();

        assertThatThrownBy(() -> Checkpoint.open(copy)).isInstanceOf(ModelException.class)
                .hasMessage(copy.resolve("model.safetensors") + ": " + sentence);
    }

    /** Groups of another size, other bits: what does not fit together must not be read as if it did. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "gptq|{'quant_method':'gptq','bits':4,'group_size':64}|tensor model.layers.0.self_attn.q_proj.qzeros has "
                    + "shape [1, 16], but config.json with its quantization_config calls for [2, 16].",
            "gptq|{'quant_method':'gptq','bits':8,'group_size':128}|tensor model.layers.0.self_attn.q_proj.qzeros has "
                    + "shape [1, 16], but config.json with its quantization_config calls for [1, 32].",
            "gptq|{'quant_method':'awq','bits':4,'group_size':128}|tensor model.layers.0.self_attn.q_proj.qweight has "
                    + "shape [16, 128], but config.json with its quantization_config calls for [128, 16].",
            "fp8-block|{'quant_method':'fp8'}|tensor model.layers.0.mlp.gate_proj.weight_scale_inv has shape [2, 1], "
                    + "but config.json with its quantization_config calls for [1, 1].",
            "ct-fp8-channel|{'quant_method':'fp8'}|tensor model.layers.0.self_attn.q_proj.weight_scale has shape "
                    + "[128, 1], but config.json with its quantization_config calls for [1, 1]."})
    void open_partsOfAnotherForm_areNotTaken(String form, String quantization, String sentence) throws IOException {
        Path copy = Golden.copy("quantized-" + form, directory);
        configure(copy, quantization);

        assertThatThrownBy(() -> Checkpoint.open(copy)).isInstanceOf(ModelException.class)
                .hasMessage(copy.resolve("model.safetensors") + ": " + sentence);
    }

    @Test
    void open_scalesOfAnotherType_areNotTaken() throws IOException {
        Path copy = Golden.copy("quantized-ct-fp8-tensor", directory);
        SafetensorsFile file = SafetensorsFile.read(copy.resolve("model.safetensors"));
        file.rename(Q_PROJ + "weight_scale", "another");
        file.append(Q_PROJ + "weight_scale", "I32", 1);
        file.write();

        assertThatThrownBy(() -> Checkpoint.open(copy)).isInstanceOf(ModelException.class)
                .hasMessage(
                        copy.resolve("model.safetensors") + ": tensor " + Q_PROJ + "weight_scale has dtype I32; with "
                                + "this quantization_config it must be F32, BF16 or F16.");
    }

    /** fp8 without a config that says what scales there are. */
    @Test
    void open_fp8WithoutQuantizationConfig_isNotTakenForNumbers() throws IOException {
        Path copy = Golden.copy("quantized-fp8-tensor", directory);
        configure(copy, "null");

        assertThatThrownBy(() -> Checkpoint.open(copy)).isInstanceOf(ModelException.class)
                .hasMessageContaining("has dtype F8_E4M3; supported are F32, BF16 and F16.");
    }

    private static void configure(Path checkpoint, String quantization) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        Path config = checkpoint.resolve("config.json");
        ObjectNode json = (ObjectNode) mapper.readTree(Files.readString(config));
        json.set("quantization_config", mapper.readTree(quantization.replace('\'', '"')));
        Files.writeString(config, json.toString());
    }

    /** The group that names a layer most narrowly gives it its form, wherever it stands. */
    @Test
    void form_ofSeveralGroups_isTheNarrowest() {
        QuantizedForm every = form(4);
        QuantizedForm pattern = form(8);
        QuantizedForm name = new QuantizedForm(QuantizedWeight.Layout.FP8, 8, 1, 0, false, false);
        Quantization quantization = new Quantization("compressed-tensors",
                List.of(new Quantization.Group(List.of("re:.*down"), pattern),
                        new Quantization.Group(List.of("Linear"), every),
                        new Quantization.Group(List.of("model.layers.1.mlp.down_proj"), name)));

        assertThat(quantization.form("model.layers.0.mlp.up_proj")).contains(every);
        assertThat(quantization.form("model.layers.0.mlp.down_proj")).contains(pattern);
        assertThat(quantization.form("model.layers.1.mlp.down_proj")).contains(name);
        assertThat(new Quantization("compressed-tensors", quantization.groups().subList(0, 1).stream()
                .flatMap(group -> List.of(group, group).stream()).toList()).form("lm_head")).isEmpty();
    }

    private static QuantizedForm form(int bits) {
        return new QuantizedForm(QuantizedWeight.Layout.PACKED_ROWS, bits, 1, 0, false, false);
    }
}
