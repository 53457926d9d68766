package dev.lockstep.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.family.Families;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What is said of families that are not computed, and of what is not computed of one. */
class FamiliesTest {
    static final String NAMES = "apertus, arcee, cohere, cohere2, ernie4_5, exaone4, falcon, gemma2, gemma3, gemma3_text, glm, glm4, glm4_moe, "
            + "gpt2, gpt_neox, gpt_oss, granite, granitemoe, helium, hunyuan_v1_dense, internlm3, llama, llama4, llama4_text, ministral, ministral3, mistral, mistral3, mixtral, "
            + "nemotron, olmo2, olmo3, olmoe, opt, phi, phi3, qwen2, qwen2_5_vl, qwen2_moe, qwen2_vl, qwen3, qwen3_moe, "
            + "qwen3_vl, seed_oss, smollm3, stablelm and starcoder2";

    @TempDir
    private Path directory;

    private ModelConfig config(String json) throws IOException {
        Files.writeString(directory.resolve("config.json"), json);
        return Families.read(directory);
    }

    @ParameterizedTest
    @CsvSource({"qwen3_next,qwen3", "Llama,llama", "phi4,phi", "smolm3,smollm3", "bert,", "ll,", "bloom,",
            "internlm2,internlm3"})
    void read_unknownFamily_namesTheNearest(String type, String nearest) {
        assertThatThrownBy(() -> config("{\"model_type\":\"" + type + "\"}")).isInstanceOf(ModelException.class)
                .hasMessageContaining("\"" + type + "\" is not supported"
                        + (nearest == null ? ";" : " (nearest by name: " + nearest + ");"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "{'model_type':'mixtral','num_experts_per_tok':9}|num_experts_per_tok 9 is more than the 8 experts that there are.",
            "{'model_type':'olmoe','clip_qkv':8.0}|clip_qkv is not supported; leave it out, or set it to null.",
            "{'model_type':'glm4_moe','n_group':3}|n_group 3 and topk_group 1 do not go with 128 experts, 8 for each token.",
            "{'model_type':'llama4','text_config':{'num_experts_per_tok':2}}|num_experts_per_tok 2 is not supported for "
                    + "model_type llama4_text; supported is 1.",
            "{'model_type':'gpt_oss','swiglu_limit':5}|swiglu_limit 5.0 is not supported; supported is 7.0.",
            "{'model_type':'falcon','alibi':true}|alibi true is not supported; supported are models with rotary embedding.",
            "{'model_type':'gpt2','n_embd':10,'n_head':3}|n_embd 10 must be a multiple of n_head 3 where head_dim is not given.",
            "{'model_type':'gpt_neox','hidden_act':'silu'}|hidden_act \"silu\" is not supported; supported are gelu, gelu_new, "
                    + "gelu_fast, gelu_pytorch_tanh, relu and relu2.",
            "{'model_type':'gemma3n'}|model_type \"gemma3n\" is not supported (nearest by name: gemma3); supported are "
                    + NAMES + ".",
            "{'model_type':'mistral3','text_config':{'model_type':'mixtral'}}|text_config's model_type \"mixtral\" "
                    + "is not supported in a mistral3; supported is mistral or ministral3.",
            "{'model_type':'mistrall'}|model_type \"mistrall\" is not supported (nearest by name: mistral); supported are "
                    + NAMES + "."})
    void read_unsupported_isOneSentenceWithTheFile(String json, String sentence) {
        assertThatThrownBy(() -> config(json.replace('\'', '"'))).isInstanceOf(ModelException.class)
                .hasMessage(directory.resolve("config.json") + ": " + sentence);
    }
}
