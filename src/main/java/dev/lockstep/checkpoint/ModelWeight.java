package dev.lockstep.checkpoint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Experts;
import dev.lockstep.model.ModelConfig.NormForm;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Residual;

/**
 * A weight of the decoder's program and the tensors it is stored as.
 *
 * @param name  the program's name of it
 * @param parts tensors that make it up, one above the other
 */
public record ModelWeight(String name, List<ExpectedTensor> parts) {
    /** How the names of all tensors of layers begin. */
    static final String LAYERS = "model.layers.";

    /** The weights that a configuration calls for, in the order the program takes them. */
    public static List<ModelWeight> of(ModelConfig config) {
        List<ModelWeight> weights = new ArrayList<>();
        weights.add(one("embed", "model.embed_tokens.weight", config.vocabulary(), config.hidden()));
        if (config.ends().positions() > 0) {
            weights.add(one("embed_positions", "model.embed_positions.weight", config.ends().positions(),
                    config.hidden()));
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            new Layer(LAYERS + layer + ".", config, config.hasExperts(layer), weights).add();
        }
        weights.add(one("norm", "model.norm.weight", config.hidden()));
        if (config.norms().form() == NormForm.LAYER_WITH_BIAS) {
            weights.add(one("norm_bias", "model.norm.bias", config.hidden()));
        }
        if (!config.tiedEmbeddings()) {
            weights.add(one("head", "lm_head.weight", config.vocabulary(), config.hidden()));
        }
        if (config.ends().headBias()) {
            weights.add(one("head_bias", "lm_head.bias", config.vocabulary()));
        }
        return List.copyOf(weights);
    }

    private static ModelWeight one(String name, String tensor, int... shape) {
        return new ModelWeight(name, List.of(new ExpectedTensor(tensor, shape)));
    }

    /** What it is multiplied by as it is loaded: {@link ModelConfig.Stored}. */
    public double factor(ModelConfig config) {
        return switch (name) {
            case "output", "output_bias", "down", "down_bias", "expert_down", "shared_down" -> config.stored()
                    .residualFactor();
            case "norm", "norm_bias" -> config.stored().logitFactor();
            default -> 1;
        };
    }

    /** Whether it is of a mixture of experts. */
    public boolean isOfExperts() {
        return parts.get(0).isOfExperts();
    }

    /** The size of all parts together. */
    public int[] shape() {
        int[] shape = parts.get(0).shape().clone();
        shape[0] = parts.stream().mapToInt(part -> part.shape()[0]).sum();
        return shape;
    }

    /** Adds the weights of one layer. */
    private record Layer(String prefix, ModelConfig config, boolean mixture, List<ModelWeight> weights) {

        void add() {
            int hidden = config.hidden();
            int intermediate = config.intermediate();
            int queries = config.heads() * config.headDim();
            int keys = config.kvHeads() * config.headDim();
            addNorms(queries, keys);
            if (config.stored().fusedQueries()) {
                addProjection("qkv", hidden, config.attentionBias(), part("self_attn.qkv_proj", queries + 2 * keys));
            } else {
                addProjection("qkv", hidden, config.attentionBias(), part("self_attn.q_proj", queries),
                        part("self_attn.k_proj", keys), part("self_attn.v_proj", keys));
            }
            addProjection("output", queries, config.outputBias(), part("self_attn.o_proj", hidden));
            if (config.attention().sinks()) {
                weights.add(one("sinks", prefix + "self_attn.sinks", config.heads()));
            }
            if (mixture) {
                addExperts(hidden, Objects.requireNonNull(config.experts()));
                return;
            }
            if (config.activation().isAlone()) {
                addProjection("gate_up", hidden, config.mlpBias(), part("mlp.up_proj", intermediate));
                if (config.activation() == Activation.XIELU_ALONE) {
                    weights.add(one("alpha_p", prefix + "mlp.act_fn.alpha_p", 1));
                    weights.add(one("alpha_n", prefix + "mlp.act_fn.alpha_n", 1));
                }
            } else if (config.stored().fusedGate()) {
                addProjection("gate_up", hidden, config.mlpBias(), part("mlp.gate_up_proj", 2 * intermediate));
            } else {
                addProjection("gate_up", hidden, config.mlpBias(), part("mlp.gate_proj", intermediate),
                        part("mlp.up_proj", intermediate));
            }
            addProjection("down", intermediate, config.mlpBias(), part("mlp.down_proj", hidden));
        }

        /** All of a layer's one above the other, each with gate and up. */
        private void addExperts(int hidden, Experts experts) {
            int width = experts.intermediate();
            addProjection("router", hidden, false, part("mlp.gate", experts.count()));
            if (experts.biased()) {
                weights.add(one("router_bias", prefix + "mlp.gate.bias", experts.count()));
                weights.add(one("expert_gate_up_bias", prefix + "mlp.experts.gate_up_proj.bias", experts.count(),
                        2 * width));
                weights.add(one("expert_down_bias", prefix + "mlp.experts.down_proj.bias", experts.count(), hidden));
            }
            if (experts.routing().sigmoid() && !experts.scalesInput()) {
                weights.add(one("router_bias", prefix + "mlp.gate.e_score_correction_bias", experts.count()));
            }
            if (experts.stacked()) {
                weights.add(stacked("expert_gate_up", "gate_up_proj", experts, 2 * width, hidden));
                weights.add(stacked("expert_down", "down_proj", experts, hidden, width));
            } else {
                Part[] gateUp = new Part[2 * experts.count()];
                Part[] down = new Part[experts.count()];
                for (int i = 0; i < experts.count(); i++) {
                    gateUp[2 * i] = part("mlp.experts." + i + ".gate_proj", width);
                    gateUp[2 * i + 1] = part("mlp.experts." + i + ".up_proj", width);
                    down[i] = part("mlp.experts." + i + ".down_proj", hidden);
                }
                addProjection("expert_gate_up", hidden, false, gateUp);
                addProjection("expert_down", width, false, down);
            }
            if (experts.shared() > 0) {
                addProjection("shared_gate_up", hidden, false, part("mlp.shared_expert.gate_proj", experts.shared()),
                        part("mlp.shared_expert.up_proj", experts.shared()));
                addProjection("shared_down", experts.shared(), false, part("mlp.shared_expert.down_proj", hidden));
                if (experts.sharedGate()) {
                    addProjection("shared_gate", hidden, false, part("mlp.shared_expert_gate", 1));
                }
            }
        }

        private ModelWeight stacked(String name, String tensor, Experts experts, int out, int in) {
            return new ModelWeight(name, List.of(new ExpectedTensor(prefix + "mlp.experts." + tensor + ".weight",
                    new int[]{experts.count(), out, in}, experts.transposed())));
        }

        private void addNorms(int queries, int keys) {
            Norms norms = config.norms();
            if (norms.before()) {
                addNorm("attention_norm", "input_layernorm", config.hidden());
                if (norms.residual() != Residual.PARALLEL_WITH_ONE_NORM) {
                    addNorm("mlp_norm", norms.after() ? "pre_feedforward_layernorm" : "post_attention_layernorm",
                            config.hidden());
                }
            }
            if (norms.after()) {
                addNorm("attention_post_norm", "post_attention_layernorm", config.hidden());
                addNorm("mlp_post_norm", "post_feedforward_layernorm", config.hidden());
            }
            if (norms.qk() == QkNorm.EACH_HEAD_ITS_OWN) {
                addNormsOfHeads("q_norm", config.heads());
                addNormsOfHeads("k_norm", config.kvHeads());
            } else if (norms.qk() != QkNorm.NONE && norms.qk() != QkNorm.TURNED_WITHOUT_WEIGHT) {
                boolean all = norms.qk() == QkNorm.ALL_HEADS;
                addNormOfHeads("q_norm", all ? queries : config.headDim());
                addNormOfHeads("k_norm", all ? keys : config.headDim());
            }
        }

        private void addNormsOfHeads(String name, int heads) {
            String tensor = prefix + "self_attn." + name + ".";
            if (!config.stored().normsApart()) {
                weights.add(one(name, tensor + "weight", heads, config.headDim()));
                return;
            }
            weights.add(new ModelWeight(name, IntStream.range(0, heads)
                    .mapToObj(head -> new ExpectedTensor(tensor + head + ".weight", new int[]{config.headDim()}))
                    .toList()));
        }

        private void addNormOfHeads(String name, int width) {
            weights.add(one(name, prefix + "self_attn." + name + ".weight", width));
        }

        private void addNorm(String name, String tensor, int width) {
            weights.add(one(name, prefix + tensor + ".weight", width));
            if (config.norms().form() == NormForm.LAYER_WITH_BIAS) {
                weights.add(one(name + "_bias", prefix + tensor + ".bias", width));
            }
        }

        /** The rows of a projection that are stored under a name of their own. */
        private record Part(String tensor, int rows) {}

        private Part part(String tensor, int rows) {
            return new Part(prefix + tensor, rows);
        }

        private void addProjection(String name, int in, boolean bias, Part... parts) {
            boolean transposed = config.stored().transposed();
            weights.add(new ModelWeight(name, Arrays.stream(parts)
                    .map(part -> new ExpectedTensor(part.tensor + ".weight", new int[]{part.rows, in}, transposed))
                    .toList()));
            if (bias) {
                weights.add(new ModelWeight(name + "_bias", Arrays.stream(parts)
                        .map(part -> new ExpectedTensor(part.tensor + ".bias", new int[]{part.rows})).toList()));
            }
        }
    }
}
