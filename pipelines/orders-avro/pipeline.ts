import { registry } from 'millrace';
import { ordersPipeline } from './orders-pipeline.ts';

export default ordersPipeline({ registry: registry() }); // the one of MILLRACE_SCHEMA_REGISTRY_URL
