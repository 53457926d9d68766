package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.cuda.CublasLt.Weight;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.NormForm;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.torch.ScalarType;

/**
 * Where the weights of a program are that {@link CudaLayers} takes; those of experts {@link CudaExperts} finds.
 *
 * @param positions address of what is learned of positions; 0 for none, or where another rank has it
 * @param headBias  address, or 0
 */
record CudaWeights(List<CudaWeights.Layer> layers, long embedding, long positions, CudaWeights.Norm lastNorm, long head,
        long headBias) {
    /**
     * What a linear layer multiplies by.
     *
     * @param scales of [N] floats that the columns of the result are multiplied by; 0 unless weights are fp8
     * @param int4   null unless weights stay in 4 bits, and {@code weight} is where their numbers have room
     */
    record Linear(Weight weight, long scales, Int4Products.@Nullable Weight int4) {}

    /** Addresses of a norm's weight, and of what it adds; 0 for none. */
    record Norm(long weight, long shift) {
        static final Norm NONE = new Norm(0, 0);
    }

    /**
     * The weights of a layer; a norm that the family lacks is 0, and so is an MLP where there are experts.
     *
     * @param alphaP address of what xIELU learned, as {@code alphaN}; 0 where it is another activation
     */
    record Layer(Norm attentionNorm, Linear qkv, long queryNorm, long keyNorm, long sinks, Linear output,
            long attentionPostNorm,
            Norm mlpNorm, @Nullable Linear gateUp, @Nullable Linear down, long mlpPostNorm, long alphaP,
            long alphaN) {}

    /**
     * Of a program that has all of them.
     *
     * @param shard what the program has of the model
     * @param int4  null unless weights stay in 4 bits
     */
    static CudaWeights of(DecoderProgram program, Shard shard, DType dtype, boolean fp8, @Nullable Int4Products int4) {
        ModelConfig config = shard.part();
        Found in = new Found(program, config, dtype, fp8, int4);
        ScalarType kept = DecoderProgram.scalarType(dtype);
        List<Layer> layers = new ArrayList<>();
        ModelConfig.Norms norms = config.norms();
        boolean headNorm = norms.qk() != QkNorm.NONE;
        int plain = 0;
        for (int i = 0; i < config.layers(); i++) {
            boolean mixture = config.hasExperts(i);
            boolean headsNormed = headNorm && (norms.qk() != QkNorm.TURNED_WITHOUT_WEIGHT
                    || config.attention().layers().get(i).rope() != null);
            int place = mixture ? 0 : plain++;
            layers.add(new Layer(in.shifted("attention_norm", norms.before(), i),
                    in.linear("qkv", config.attentionBias(), i),
                    in.norm("q_norm", headsNormed, i), in.norm("k_norm", headsNormed, i),
                    config.attention().sinks()
                            ? program.weightAddress("sinks", i, kept)
                            : 0,
                    in.linear("output", config.outputBias(), i), in.norm("attention_post_norm", norms.after(), i),
                    in.shifted("mlp_norm", norms.before() && norms.residual() != Residual.PARALLEL_WITH_ONE_NORM, i),
                    mixture ? null : in.linear("gate_up", config.mlpBias(), place),
                    mixture ? null : in.linear("down", config.mlpBias(), place),
                    in.norm("mlp_post_norm", norms.after(), i), in.learned("alpha_p", i), in.learned("alpha_n", i)));
        }
        return new CudaWeights(List.copyOf(layers), program.weightAddress("embed", 0, kept),
                config.ends().positions() > 0 && shard.firstToken() == 0
                        ? program.weightAddress("embed_positions", 0, kept)
                        : 0,
                in.shifted("norm", true, 0), program.weightAddress("head", 0, kept),
                config.ends().headBias() ? program.weightAddress("head_bias", 0, kept) : 0);
    }

    /** In what a program has. */
    private record Found(DecoderProgram program, ModelConfig config, DType dtype, boolean fp8,
            @Nullable Int4Products int4) {
        long norm(String name, boolean has, int i) {
            ScalarType stored = config.norms().wide() ? ScalarType.FLOAT32 : DecoderProgram.scalarType(dtype);
            return has ? program.weightAddress(name, i, stored) : 0;
        }

        long learned(String name, int i) {
            return config.activation() == Activation.XIELU_ALONE
                    ? program.weightAddress(name, i, DecoderProgram.scalarType(dtype))
                    : 0;
        }

        Norm shifted(String name, boolean has, int i) {
            return new Norm(norm(name, has, i), has && config.norms().form() == NormForm.LAYER_WITH_BIAS
                    ? program.weightAddress(name + "_bias", i, DecoderProgram.scalarType(dtype))
                    : 0);
        }

        Linear linear(String name, boolean bias, int i) {
            ScalarType computed = DecoderProgram.scalarType(dtype);
            long address = program.weightAddress(name, i, fp8 ? ScalarType.FLOAT8_E4M3FN : computed);
            return new Linear(new Weight(address, bias ? program.weightAddress(name + "_bias", i, computed) : 0),
                    fp8 ? program.weightAddress(name + "_scale", i, ScalarType.FLOAT32) : 0,
                    int4 == null ? null : int4.weight(i, address));
        }
    }
}
