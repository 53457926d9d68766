package dev.lockstep.junit;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.extension.Extension;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContextProvider;

import dev.lockstep.world.World;
import dev.lockstep.world.Worlds;

/** What {@link Ranks} does. */
final class RanksExtension implements TestTemplateInvocationContextProvider {
    @Override
    public boolean supportsTestTemplate(ExtensionContext context) {
        return true;
    }

    @Override
    public Stream<TestTemplateInvocationContext> provideTestTemplateInvocationContexts(ExtensionContext context) {
        Method test = context.getRequiredTestMethod();
        Ranks ranks = Stream.concat(Stream.of(test), Arrays.stream(test.getAnnotations())
                .map(annotation -> annotation.annotationType()))
                .map(element -> element.getAnnotation(Ranks.class)).filter(found -> found != null).findFirst()
                .orElseThrow();
        if (ranks.value().length == 0) {
            throw new ExtensionConfigurationException("@Ranks on " + test.getName() + " has no number of ranks");
        }
        return Arrays.stream(ranks.value()).mapToObj(count -> new Run(count, ranks.timeoutSeconds()));
    }

    /** One run of the test. */
    private record Run(int count, double timeoutSeconds)
            implements
                TestTemplateInvocationContext,
                ParameterResolver,
                InvocationInterceptor {

        @Override
        public String getDisplayName(int index) {
            return count == 1 ? "1 rank" : count + " ranks";
        }

        @Override
        public List<Extension> getAdditionalExtensions() {
            return List.of(this);
        }

        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == World.class
                    && parameter.getDeclaringExecutable().equals(context.getTestMethod().orElse(null));
        }

        /** Each rank has its own. */
        @Override
        @SuppressWarnings("NullAway") // JUnit takes null for a parameter that is an object
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return null;
        }

        @Override
        public void interceptTestTemplateMethod(Invocation<Void> invocation,
                ReflectiveInvocationContext<Method> method, ExtensionContext context) throws Throwable {
            invocation.skip(); // it is invoked by the ranks
            Object instance = context.getRequiredTestInstance();
            Worlds.Task<Exception> task = world -> call(method.getExecutable(), instance,
                    method.getArguments().stream().toArray(), world);
            if (timeoutSeconds < 0) {
                Worlds.each(count, task);
            } else {
                Worlds.each(count, Duration.ofMillis(Math.round(timeoutSeconds * 1000)), task);
            }
        }

        private static void call(Method test, Object instance, Object[] arguments, World world) throws Exception {
            Class<?>[] types = test.getParameterTypes();
            for (int i = 0; i < types.length; i++) {
                if (types[i] == World.class) {
                    arguments[i] = world;
                }
            }
            test.setAccessible(true);
            try {
                test.invoke(instance, arguments);
            } catch (InvocationTargetException e) {
                if (e.getCause()instanceof Error error) {
                    throw error;
                } else if (e.getCause()instanceof Exception exception) {
                    throw exception;
                }
                throw e;
            }
        }
    }
}
