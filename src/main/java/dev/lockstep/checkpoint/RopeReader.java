package dev.lockstep.checkpoint;

import dev.lockstep.checkpoint.ModelConfig.Llama3Scaling;
import dev.lockstep.checkpoint.ModelConfig.Rope;

/** Reads the parts of {@code config.json} that are about rotary position embedding. */
final class RopeReader {
    private final JsonFile json;
    private final ModelFamily family;
    private final int headDim;

    RopeReader(JsonFile json, ModelFamily family, int headDim) {
        this.json = json;
        this.family = family;
        this.headDim = headDim;
    }

    /** The one of layers that are all alike. */
    Rope rope() {
        // transformers 5 writes rope_parameters, and where a file has both it takes the older rope_scaling
        JsonFile given = json.object("rope_scaling").or(() -> json.object("rope_parameters"))
                .orElseGet(() -> json.with(JsonFile.JSON.createObjectNode()));
        given.object().properties().forEach(entry -> {
            if (entry.getValue().isObject()) {
                throw json.fault("rope_parameters by kind of layer (" + entry.getKey() + ") are not supported.");
            }
        });
        return rope(given, given.number("rope_theta").or(() -> json.number("rope_theta")).orElse(family.theta));
    }

    /** That of the layers of one kind, where each kind has its own: theta and scaling are of those without a window. */
    Rope ofKind(String kind) {
        boolean full = kind.equals("full_attention");
        JsonFile none = json.with(JsonFile.JSON.createObjectNode());
        JsonFile given = json.object("rope_parameters").flatMap(kinds -> kinds.object(kind)).orElse(none);
        if (full) {
            given = json.object("rope_scaling").orElse(given);
        }
        double theta = json.number(full ? "rope_theta" : "rope_local_base_freq").orElse(full ? family.theta : 10_000);
        return rope(given, given.number("rope_theta").orElse(theta));
    }

    private Rope rope(JsonFile given, double theta) {
        if (theta <= 0) {
            throw json.fault("rope_theta must be above 0, not " + theta + ".");
        }
        String type = given.text("rope_type").or(() -> given.text("type")).orElse("default");
        return switch (type) {
            case "default" -> new Rope(theta, width(given), 1, null);
            case "linear" -> new Rope(theta, width(given), factor(given, "factor"), null);
            case "llama3" -> new Rope(theta, width(given), 1, llama3(given));
            default -> throw json.fault(
                    "rope type \"" + type + "\" is not supported; supported are default, linear and llama3.");
        };
    }

    private int width(JsonFile given) {
        double rotated = given.number("partial_rotary_factor").or(() -> json.number("partial_rotary_factor"))
                .orElse(1.0);
        if (rotated != 1 && family != ModelFamily.PHI3) {
            throw json.fault("partial_rotary_factor " + rotated + " is not supported; supported is 1.");
        }
        int width = (int) (headDim * rotated);
        if (width <= 0 || width > headDim || width % 2 != 0) {
            throw json.fault("partial_rotary_factor " + rotated + " of a head's width of " + headDim
                    + " must be an even number of dimensions.");
        }
        return width;
    }

    private Llama3Scaling llama3(JsonFile given) {
        double low = factor(given, "low_freq_factor");
        double high = factor(given, "high_freq_factor");
        if (low >= high) {
            throw json.fault("low_freq_factor " + low + " must be below high_freq_factor " + high + ".");
        }
        String key = "original_max_position_embeddings";
        int original = given.positive(key).orElseThrow(() -> json.fault(key + " is missing."));
        return new Llama3Scaling(factor(given, "factor"), low, high, original);
    }

    private double factor(JsonFile given, String key) {
        double factor = given.number(key).orElseThrow(() -> json.fault(key + " of the rope scaling is missing."));
        if (factor <= 0) {
            throw json.fault(key + " of the rope scaling must be above 0, not " + factor + ".");
        }
        return factor;
    }
}
